//! Makes problem documents of answers that nobody wrote, and leaves all others as they are.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::response::Parts;
use http::{HeaderValue, Method, StatusCode};
use http_body::{Body as _, Frame, SizeHint};

use super::answer::{PROBLEM_JSON, Problem};
use super::code::INTERNAL_ERROR;
use super::rejection;
use crate::call::{drop_quietly, forget};
use crate::context::Ctx;

/// Bytes of the longest body that is looked at.
const MAX_LOOKED_AT: u64 = 8 * 1_024;

/// The type that axum gives to texts, and so to its rejections.
const TEXT: &str = "text/plain; charset=utf-8";

/// What an answer is, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Somebody wrote it.
    Keep,
    /// There is only a status.
    Empty,
    /// Its text decides.
    MaybeRejection,
}

/// Makes a problem of an answer that nobody wrote: an empty one, or a rejection of axum's own.
///
/// Every header stays, except those that describe the body. Answers without an error's status, with
/// `WWW-Authenticate`, with a body of the service's own, and to CONNECT are returned as they came.
/// An answer to HEAD gets the headers that one to GET would have, and no body.
///
/// Must run in the request's context, which is also told the code.
pub(crate) fn rewrite(method: &Method, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    match judge(method, &parts, &body.size_hint()) {
        Verdict::Keep => Response::from_parts(parts, body),
        Verdict::Empty => {
            let problem = Problem::new(parts.status);
            let body = put(method, &mut parts, &problem);
            Response::from_parts(parts, body)
        }
        Verdict::MaybeRejection => {
            let body = match whole(body) {
                Whole::Text(text) => match problem(parts.status, &text) {
                    Some(problem) => put(method, &mut parts, &problem),
                    None => Body::from(text),
                },
                Whole::Other(body) => body,
            };
            Response::from_parts(parts, body)
        }
    }
}

/// Answers for a handler that panicked. The payload is nobody's business outside of the service.
pub(crate) fn panic_response() -> Response {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        .code(INTERNAL_ERROR)
        .into_response()
}

/// Says what an answer is from its head and from the size of its body.
pub(super) fn judge(method: &Method, parts: &Parts, size: &SizeHint) -> Verdict {
    let is_error = parts.status.is_client_error() || parts.status.is_server_error();
    let headers = &parts.headers;
    if !is_error
        || method == Method::CONNECT
        // Whoever asks for credentials says how in that header, and clients read the body with it.
        || headers.contains_key(WWW_AUTHENTICATE)
        || headers.contains_key(CONTENT_ENCODING)
        || headers.contains_key(TRANSFER_ENCODING)
    {
        return Verdict::Keep;
    }
    let Some(size) = size.exact() else {
        return Verdict::Keep;
    };
    // An answer to HEAD may have lost its body already; its length tells.
    let promised = headers
        .get(CONTENT_LENGTH)
        .is_some_and(|length| length.as_bytes() != size.to_string().as_bytes());
    if promised {
        return Verdict::Keep;
    }
    match headers.get(CONTENT_TYPE) {
        None if size == 0 => Verdict::Empty,
        Some(kind)
            if kind == TEXT
                && (1..=MAX_LOOKED_AT).contains(&size)
                && rejection::has(parts.status) =>
        {
            Verdict::MaybeRejection
        }
        _ => Verdict::Keep,
    }
}

/// Returns what a rejection becomes.
fn problem(status: StatusCode, text: &[u8]) -> Option<Problem> {
    let text = str::from_utf8(text).ok()?;
    let problem = Problem::new(status).code(rejection::code(status, text)?);
    Some(if status.is_server_error() {
        // The service's own mistake, in the words of its source: for the log alone.
        problem.cause(&text)
    } else {
        problem.detail(text)
    })
}

/// Describes the document in the head and returns it as the body.
fn put(method: &Method, parts: &mut Parts, problem: &Problem) -> Body {
    let ctx = Ctx::current();
    problem.annotate(ctx.as_ref());
    let json = problem.json(ctx.as_ref());
    parts.headers.insert(CONTENT_TYPE, PROBLEM_JSON);
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(json.len()));
    if method == Method::HEAD {
        return Body::empty();
    }
    Body::from(json)
}

/// A body that was looked at.
enum Whole {
    /// All of it, which was there at once.
    Text(Bytes),
    /// What is not of one piece; nothing is missing from it.
    Other(Body),
}

/// Takes a body that is there at once and of one piece, as every rejection is.
fn whole(mut body: Body) -> Whole {
    // Whoever sends the body polls it again, so nobody needs to be woken here.
    let mut cx = Context::from_waker(Waker::noop());
    let size = body.size_hint();
    let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut body).poll_frame(&mut cx)));
    let polled = polled.unwrap_or_else(|panic| {
        forget(panic);
        // It must not be polled again, and its drop may panic as well.
        drop_quietly(std::mem::take(&mut body));
        Poll::Ready(Some(Err(axum::Error::new("the body panicked"))))
    });
    let first = match polled {
        Poll::Pending => return Whole::Other(body),
        Poll::Ready(None) => return Whole::Other(Body::empty()),
        Poll::Ready(Some(first)) => first,
    };
    let first = match first.map(Frame::into_data) {
        Ok(Ok(text)) if body.is_end_stream() => return Whole::Text(text),
        Ok(Ok(data)) => Ok(Frame::data(data)),
        Ok(Err(frame)) => Ok(frame),
        Err(error) => Err(error),
    };
    Whole::Other(Body::new(Looked {
        first: Some(first),
        size,
        rest: body,
    }))
}

/// A body whose first frame was taken out and is put back.
struct Looked {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    /// The size of all of it, which is right until the first frame is gone.
    size: SizeHint,
    rest: Body,
}

impl http_body::Body for Looked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.first {
            Some(_) => self.size,
            None => self.rest.size_hint(),
        }
    }
}
