//! The future of a counted request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use pin_project_lite::pin_project;

use super::guard::{OnPanic, RequestGuard};

pin_project! {
    /// The response of a service, counted when it comes.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the request is counted with status 499; a panic of the handler
    /// counts as 500 and goes on.
    pub struct HttpFuture<F> {
        #[pin]
        state: State<F>,
        guard: Option<RequestGuard>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Inner { #[pin] future: F },
        Ready { response: Option<Response> },
        Wait { response: Pin<Box<dyn Future<Output = Response> + Send>> },
    }
}

impl<F> HttpFuture<F> {
    pub(super) fn inner(future: F, guard: Option<RequestGuard>) -> Self {
        Self {
            state: State::Inner { future },
            guard,
        }
    }

    pub(super) fn ready(response: Response) -> Self {
        Self {
            state: State::Ready {
                response: Some(response),
            },
            guard: None,
        }
    }
}

impl<F> HttpFuture<F> {
    pub(super) fn wait(response: Pin<Box<dyn Future<Output = Response> + Send>>) -> Self {
        Self {
            state: State::Wait { response },
            guard: None,
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
        let this = self.project();
        let future = match this.state.project() {
            StateProjection::Inner { future } => future,
            StateProjection::Ready { response } => {
                return Poll::Ready(Ok(response.take().unwrap_or_default()));
            }
            StateProjection::Wait { response } => return response.as_mut().poll(cx).map(Ok),
        };
        let on_panic = OnPanic::new(this.guard);
        let polled = future.poll(cx).map_ok(IntoResponse::into_response);
        on_panic.disarm();
        let result = ready!(polled);
        if let Some(guard) = this.guard.take() {
            guard.finish(match &result {
                Ok(response) => response.status(),
                // A service that answers nothing; axum's never do.
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
            });
        }
        Poll::Ready(result)
    }
}

impl<F> fmt::Debug for HttpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").finish_non_exhaustive()
    }
}
