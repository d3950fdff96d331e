//! What a request brings along: its ids and its trace, each taken as it is or replaced.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ConnectInfo;
use http::header::{HeaderMap, HeaderName};
use http::{Extensions, Request};

use super::routes::Row;
use super::traffic::Traffic;
use crate::context::{
    CORRELATION_ID, Ctx, CtxParts, HttpRequest, Id, Place, Remote, RequestLabels, read_baggage,
};

/// Of one hop alone.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Makes the context of a request.
///
/// The correlation id is `X-Correlation-ID`, else `X-Request-ID`, else new; the request id is
/// `X-Request-ID`, else new. A trusted peer's trace is continued; another's is only linked to, so
/// that nobody outside decides what is sampled or hides behind an id.
pub(super) fn context<B>(request: &Request<B>, row: &Row, traffic: &Arc<Traffic>) -> Ctx {
    let headers = request.headers();
    let request_id = read(headers, &REQUEST_ID, traffic);
    let correlation_id = read(headers, &CORRELATION_ID, traffic)
        .or_else(|| request_id.clone())
        .unwrap_or_else(Id::generate);
    let policy = traffic.policy();
    let remote = Remote::read(headers, policy);
    // Asked only where it decides something, and where a tool call may bring its trace in its message.
    let decides = remote.is_some() || !policy.baggage_keys.is_empty() || cfg!(feature = "rmcp");
    let trusted = decides && is_trusted(request.extensions(), traffic, remote.is_some());
    let (place, sentry) = match remote {
        Some(remote) if trusted => (Place::below(&remote, policy), remote.sentry),
        remote => (Place::root(policy, remote.map(|remote| remote.trace)), None),
    };
    Ctx::from_parts(CtxParts {
        correlation_id,
        request_id: Some(request_id.unwrap_or_else(Id::generate)),
        place,
        baggage: trusted.then(|| read_baggage(headers, policy)).flatten(),
        propagates: policy.tracecontext,
        request: Some(HttpRequest {
            labels: RequestLabels {
                method: row.method(),
                route: Arc::clone(row.route()),
            },
            traffic: Arc::clone(traffic),
            trusted,
            sentry,
        }),
        kept: false,
    })
}

fn is_trusted(extensions: &Extensions, traffic: &Traffic, matters: bool) -> bool {
    let peer = peer(extensions);
    if peer.is_none() && matters {
        say_unknown();
    }
    traffic.trusts(peer.map(|peer| peer.ip()))
}

/// Whether it was said that nobody knows who sends requests.
static SAID_UNKNOWN: AtomicBool = AtomicBool::new(false);

#[cold]
fn say_unknown() {
    if !SAID_UNKNOWN.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            target: "obs::http",
            "a request brought a `traceparent`, but the server does not say who the peer is, so its trace \
             is not continued: serve with `obs.serve`, or with `into_make_service_with_connect_info`"
        );
    }
}

fn read(headers: &HeaderMap, name: &HeaderName, traffic: &Traffic) -> Option<Id> {
    match Id::read(headers, name)? {
        Ok(id) => Some(id),
        Err(reason) => {
            // Counted, and seen nowhere: what was sent may be an attack on whoever reads logs.
            traffic.id_rejected(reason);
            None
        }
    }
}

/// Returns the address of the peer, where the server says it.
pub(super) fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let ConnectInfo(address) = extensions.get()?;
    Some(*address)
}
