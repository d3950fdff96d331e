//! The headers that a browser must be allowed to send and to see.

use http::HeaderName;

/// The names of headers for a service's CORS rules, from [`cors_headers`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CorsHeaders {
    /// What a page must be allowed to send, so that its request is joined to its trace and ids:
    /// `Access-Control-Allow-Headers`, beside the service's own.
    pub allow: [HeaderName; 6],
    /// What a page must be allowed to read, so that it can show or report an id:
    /// `Access-Control-Expose-Headers`.
    pub expose: [HeaderName; 2],
}

/// Returns the headers that a browser must be allowed to send and to see.
///
/// A browser asks another origin before it sends `sentry-trace`, `traceparent` and their like, and
/// where they are not allowed it does not send the request at all. It hides `X-Correlation-ID` and
/// `X-Request-ID` from a page unless they are exposed. With tower-http:
/// `CorsLayer::new().allow_headers(cors.allow).expose_headers(cors.expose)`, below
/// [`Obs::wrap`](crate::Obs::wrap).
///
/// Allowing a header is not believing it: the trace of a page is continued where the peer that
/// sends the request is trusted (`OBS_TRUSTED_PROXIES`), which is the proxy in front of the service.
///
/// What the service's own requests need is not among them, such as `content-type` for JSON and
/// `authorization`; nor are origins and methods.
///
/// # Example
/// ```
/// let cors = obs_runtime::cors_headers();
/// assert!(cors.allow.iter().any(|name| name == "sentry-trace"));
/// assert!(cors.expose.iter().any(|name| name == "x-correlation-id"));
/// ```
#[must_use]
pub fn cors_headers() -> CorsHeaders {
    let correlation_id = HeaderName::from_static("x-correlation-id");
    let request_id = HeaderName::from_static("x-request-id");
    CorsHeaders {
        allow: [
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
            HeaderName::from_static("baggage"),
            HeaderName::from_static("sentry-trace"),
            correlation_id.clone(),
            request_id.clone(),
        ],
        expose: [correlation_id, request_id],
    }
}
