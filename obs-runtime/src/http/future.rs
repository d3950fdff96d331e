//! The future of a request, from the service's call to the head of its response.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use pin_project_lite::pin_project;

use super::body::HttpBody;
use super::exchange::{End, Exchange};
use super::inbound::REQUEST_ID;
use super::traffic::StreamKind;
use crate::call::forget;
use crate::context::CORRELATION_ID;
use crate::health::Shutdown;
use crate::problem::panic_response;

pin_project! {
    /// The response of a service, in the context of its request.
    ///
    /// A panic of the service is answered with status 500.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the request is counted with status 499.
    pub struct HttpFuture<F> {
        #[pin]
        state: State<F>,
        request: Option<Request>,
    }

    impl<F> PinnedDrop for HttpFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            match this.request.take() {
                // What the handler leaves behind belongs to the request too.
                Some(request) => request
                    .exchange
                    .scope(|| abandon(this.state.as_mut())),
                None => this.state.set(State::Done),
            }
        }
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        /// One of our own pages.
        Page { page: Pin<Box<dyn Future<Output = Response> + Send>> },
        Ready { response: Option<Response> },
        /// The service panicked when it was called.
        Panicked,
        Done,
    }
}

/// A request that is recorded, and what its response depends on.
pub(super) struct Request {
    pub(super) exchange: Exchange,
    pub(super) method: Method,
    pub(super) shutdown: Shutdown,
}

fn abandon<F>(mut state: Pin<&mut State<F>>) {
    let dropped = catch_unwind(AssertUnwindSafe(|| state.set(State::Done)));
    if let Err(panic) = dropped {
        forget(panic);
    }
}

impl<F> HttpFuture<F> {
    /// A request that is recorded further out.
    pub(super) const fn passing(future: F) -> Self {
        Self {
            state: State::Inner { future },
            request: None,
        }
    }

    pub(super) const fn recorded(future: F, request: Request) -> Self {
        Self {
            state: State::Inner { future },
            request: Some(request),
        }
    }

    pub(super) const fn panicked(request: Request) -> Self {
        Self {
            state: State::Panicked,
            request: Some(request),
        }
    }

    pub(super) const fn page(page: Pin<Box<dyn Future<Output = Response> + Send>>) -> Self {
        Self {
            state: State::Page { page },
            request: None,
        }
    }

    pub(super) const fn ready(response: Response) -> Self {
        Self {
            state: State::Ready {
                response: Some(response),
            },
            request: None,
        }
    }
}

impl<F, R, E> Future for HttpFuture<F>
where
    F: Future<Output = Result<R, E>>,
    R: IntoResponse,
{
    type Output = Result<Response, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let polled = match this.state.as_mut().project() {
            StateProjection::Inner { future } => {
                let Some(request) = this.request.as_ref() else {
                    return future.poll(cx).map_ok(IntoResponse::into_response);
                };
                catch_unwind(AssertUnwindSafe(|| {
                    request
                        .exchange
                        .scope(|| future.poll(cx).map_ok(IntoResponse::into_response))
                }))
            }
            StateProjection::Page { page } => return page.as_mut().poll(cx).map(Ok),
            StateProjection::Ready { response } => {
                return Poll::Ready(Ok(response.take().unwrap_or_default()));
            }
            StateProjection::Panicked => Ok(Poll::Ready(Ok(panicked(this.request.as_ref())))),
            StateProjection::Done => return Poll::Pending,
        };
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => {
                forget(panic);
                if let Some(request) = this.request.as_mut() {
                    request.exchange.panicked();
                    // It must not be polled again, and its drop may panic as well.
                    request.exchange.scope(|| abandon(this.state.as_mut()));
                }
                Ok(panicked(this.request.as_ref()))
            }
        };
        let Some(request) = this.request.take() else {
            return Poll::Ready(result);
        };
        Poll::Ready(match result {
            Ok(response) => Ok(request.respond(response)),
            Err(error) => {
                request.exchange.finish(End::NoResponse);
                Err(error)
            }
        })
    }
}

impl Request {
    /// Stamps the response, and gives the record to its body.
    fn respond(mut self, response: Response) -> Response {
        let Inspected {
            mut response,
            ends,
            length,
        } = self.inspect(response);
        let ctx = self.exchange.ctx();
        let headers = response.headers_mut();
        headers.insert(CORRELATION_ID, ctx.correlation().to_header());
        if let Some(request_id) = ctx.request_header() {
            headers.insert(REQUEST_ID, request_id.to_header());
        }
        let status = response.status();
        let stream = is_event_stream(&response).then_some(StreamKind::Sse);
        self.exchange.responding(status, stream);
        if ends {
            self.exchange.finish(End::Complete);
            return response;
        }
        let stop = stream.map(|_| {
            let shutdown = self.shutdown;
            Box::pin(async move { shutdown.closing().await })
                as Pin<Box<dyn Future<Output = ()> + Send>>
        });
        response.map(|body| Body::new(HttpBody::new(body, length, self.exchange, stop)))
    }

    /// Asks what must be known of the response. Its body is somebody else's code and may panic.
    fn inspect(&mut self, response: Response) -> Inspected {
        let inspected = catch_unwind(AssertUnwindSafe(|| {
            let response = self.exchange.answer(&self.method, response);
            Inspected::at(response, &self.method)
        }));
        inspected.unwrap_or_else(|panic| {
            forget(panic);
            self.exchange.panicked();
            Inspected::at(self.exchange.scope(panic_response), &self.method)
        })
    }
}

/// A response, and what its body says of itself.
struct Inspected {
    response: Response,
    /// Whether no server will ask for a body.
    ends: bool,
    /// Bytes that the body has, if it knows.
    length: Option<u64>,
}

impl Inspected {
    fn at(response: Response, method: &Method) -> Self {
        let status = response.status();
        let ends = *method == Method::HEAD
            || (*method == Method::CONNECT && status.is_success())
            || status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || http_body::Body::is_end_stream(response.body());
        let length = http_body::Body::size_hint(response.body()).exact();
        Self {
            response,
            ends,
            length,
        }
    }
}

/// Server-sent events: a response that is meant not to end.
fn is_event_stream(response: &Response) -> bool {
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.as_bytes().get(..EVENT_STREAM.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM))
}

/// What a client learns of a panic: that there was one, and under which correlation id.
fn panicked(request: Option<&Request>) -> Response {
    match request {
        Some(request) => request.exchange.scope(panic_response),
        None => panic_response(),
    }
}

impl<F> fmt::Debug for HttpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
