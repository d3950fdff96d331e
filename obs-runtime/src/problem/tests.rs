//! What an answer tells the request's log line, and which heads are looked at.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use http_body::SizeHint;

use super::rewrite::{Verdict, judge};
use super::{Problem, ProblemError, rewrite};
use crate::context::{Annotation, Ctx};
use crate::label::ErrorLabel;

/// An error whose text and status are the test's.
#[derive(Debug)]
struct Failure {
    status: u16,
    text: &'static str,
    shown: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl std::error::Error for Failure {}

impl ErrorLabel for Failure {
    const VALUES: &'static [&'static str] = &["failure"];

    fn index(&self) -> usize {
        // Out of range, as an implementation written by hand may be.
        usize::MAX
    }
}

impl ProblemError for Failure {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap()
    }

    fn detail(&self) -> Option<String> {
        self.shown.then(|| self.text.to_owned())
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(Duration::MAX)
    }
}

/// The annotations that an answer leaves.
fn noted(answer: impl FnOnce() -> Response) -> Vec<(String, String)> {
    let ctx = Ctx::new();
    drop(ctx.scope(answer));
    ctx.annotations()
        .into_iter()
        .map(|(key, value)| match value {
            Annotation::Text(text) => (key.into_owned(), text),
            other => panic!("{key} is {other:?}"),
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn failure(status: u16) -> Response {
    let failure = Failure {
        status,
        text: "disk 3 is full",
        shown: false,
    };
    Problem::from(&failure).into_response()
}

#[test]
fn the_log_is_told_the_code_and_of_a_server_error_what_it_was_about() {
    assert_eq!(noted(|| failure(404)), pairs(&[("error_code", "failure")]));
    assert_eq!(
        noted(|| failure(500)),
        pairs(&[("error_code", "failure"), ("error", "disk 3 is full")])
    );
    assert_eq!(
        noted(|| Problem::new(StatusCode::BAD_GATEWAY)
            .detail("no route")
            .into_response()),
        pairs(&[("error_code", "bad_gateway"), ("error", "no route")])
    );
    assert_eq!(
        noted(super::panic_response),
        pairs(&[("error_code", "internal_error")])
    );
}

#[test]
fn the_log_is_told_the_code_of_what_was_rewritten_and_why_the_service_failed() {
    let rewritten = |status: u16, text: &'static str| {
        let status = StatusCode::from_u16(status).unwrap();
        noted(move || rewrite(&Method::GET, (status, text).into_response()))
    };
    assert_eq!(
        noted(|| rewrite(&Method::GET, StatusCode::NOT_FOUND.into_response())),
        pairs(&[("error_code", "not_found")])
    );
    assert_eq!(
        rewritten(400, "Invalid URL: x"),
        pairs(&[("error_code", "invalid_path")])
    );
    assert_eq!(
        rewritten(500, "Missing request extension: State"),
        pairs(&[
            ("error_code", "internal_error"),
            ("error", "Missing request extension: State")
        ])
    );
    assert_eq!(rewritten(500, "out of paper"), pairs(&[]));
    assert_eq!(rewritten(200, "Invalid URL: x"), pairs(&[]));
}

#[test]
fn a_wait_of_any_length_is_a_header() {
    assert_eq!(
        failure(503).headers()["retry-after"],
        u64::MAX.to_string().as_str()
    );
}

#[test]
fn only_errors_without_a_body_and_short_texts_are_looked_at() {
    let verdict = |method: Method, status: u16, headers: &[(&'static str, &str)], size| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, value.parse().unwrap());
        }
        let size = match size {
            Some(size) => SizeHint::with_exact(size),
            None => SizeHint::new(),
        };
        judge(&method, &response.into_parts().0, &size)
    };
    let text: (&str, &str) = ("content-type", "text/plain; charset=utf-8");
    for (verdict, expected) in [
        (verdict(Method::GET, 404, &[], Some(0)), Verdict::Empty),
        (verdict(Method::HEAD, 404, &[], Some(0)), Verdict::Empty),
        (
            verdict(Method::GET, 404, &[("content-length", "0")], Some(0)),
            Verdict::Empty,
        ),
        (
            verdict(Method::HEAD, 404, &[("content-length", "9")], Some(0)),
            Verdict::Keep,
        ),
        (verdict(Method::CONNECT, 404, &[], Some(0)), Verdict::Keep),
        (verdict(Method::GET, 204, &[], Some(0)), Verdict::Keep),
        (verdict(Method::GET, 304, &[], Some(0)), Verdict::Keep),
        (verdict(Method::GET, 600, &[], Some(0)), Verdict::Keep),
        (verdict(Method::GET, 404, &[], None), Verdict::Keep),
        (verdict(Method::GET, 404, &[], Some(9)), Verdict::Keep),
        (
            verdict(Method::GET, 401, &[("www-authenticate", "x")], Some(0)),
            Verdict::Keep,
        ),
        (
            verdict(
                Method::GET,
                404,
                &[("transfer-encoding", "chunked")],
                Some(0),
            ),
            Verdict::Keep,
        ),
        (
            verdict(Method::GET, 400, &[text], Some(9)),
            Verdict::MaybeRejection,
        ),
        (
            verdict(Method::GET, 400, &[text], Some(8 * 1024)),
            Verdict::MaybeRejection,
        ),
        (
            verdict(Method::GET, 400, &[text], Some(8 * 1024 + 1)),
            Verdict::Keep,
        ),
        (verdict(Method::GET, 400, &[text], Some(0)), Verdict::Keep),
        (verdict(Method::GET, 400, &[text], None), Verdict::Keep),
        // A status that none of axum's rejections has.
        (verdict(Method::GET, 404, &[text], Some(9)), Verdict::Keep),
    ] {
        assert_eq!(verdict, expected);
    }
}
