//! The answers of obs' own endpoints.

use axum::body::Body;
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderValue, Method, Response, StatusCode};

use crate::exposition::Format;

/// Whether a method reads.
pub(super) fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Answers a scrape.
pub(super) fn metrics(method: &Method, format: Format, text: Bytes) -> Response<Body> {
    page(method, StatusCode::OK, format.content_type(), text)
}

/// Answers a question about health.
pub(super) fn health(method: &Method, up: bool, json: Bytes) -> Response<Body> {
    let status = if up {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    page(method, status, "application/json", json)
}

fn page(
    method: &Method,
    status: StatusCode,
    content_type: &'static str,
    text: Bytes,
) -> Response<Body> {
    let mut response = empty(status);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(text.len()));
    if *method != Method::HEAD {
        *response.body_mut() = Body::from(text);
    }
    response
}

/// Answers a scrape without a valid token: the same bytes whatever was wrong.
pub(super) fn unauthorized() -> Response<Body> {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    let bearer = HeaderValue::from_static("Bearer");
    response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    response
}

pub(super) fn method_not_allowed() -> Response<Body> {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    let reads = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, reads);
    response
}

/// Answers a scrape that is one too many.
pub(super) fn busy() -> Response<Body> {
    let mut response = empty(StatusCode::SERVICE_UNAVAILABLE);
    let second = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, second);
    response
}

/// Answers a request for anything that is not there.
pub(super) fn not_found() -> Response<Body> {
    empty(StatusCode::NOT_FOUND)
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}
