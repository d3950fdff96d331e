//! The body of a response, which takes the record of its request to the last byte.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::exchange::{End, Exchange};
use super::routes::Phase;
use crate::call::{drop_quietly, forget};
use crate::context::Ctx;

/// A body that is counted until its last byte, in the context of its request.
///
/// # Cancel safety
/// Dropped before its end, the response counts as aborted. A panic of the body becomes an error of
/// it, so that the server closes the connection.
pub struct HttpBody {
    body: Body,
    exchange: Option<Exchange>,
    /// Of the request, for what comes after its record: trailers, and the drop.
    ctx: Ctx,
    /// Bytes that the body said it has, if it did.
    length: Option<u64>,
    /// Ends an endless stream when the service stops.
    stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HttpBody {
    pub(super) fn new(
        body: Body,
        length: Option<u64>,
        exchange: Exchange,
        stop: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ) -> Self {
        Self {
            body,
            ctx: exchange.ctx().clone(),
            exchange: Some(exchange),
            length,
            stop,
        }
    }

    fn finish(&mut self, end: End) {
        if let Some(exchange) = self.exchange.take() {
            exchange.finish(end);
        }
    }

    /// Drops the body inside, in the context of its request; its drop may panic.
    fn let_go(&mut self) {
        let body = std::mem::take(&mut self.body);
        self.ctx.scope(|| drop_quietly(body));
    }

    /// Whether the body inside says that nothing comes any more. It may panic, and then says nothing.
    fn is_over(&self) -> bool {
        let asked = catch_unwind(AssertUnwindSafe(|| {
            http_body::Body::is_end_stream(&self.body)
        }));
        asked.unwrap_or_else(|panic| {
            forget(panic);
            false
        })
    }

    /// Polls the body inside; a panic in it is an error of it.
    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let (exchange, ctx) = (&self.exchange, &self.ctx);
        let body = Pin::new(&mut self.body);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let poll = || http_body::Body::poll_frame(body, cx);
            match exchange {
                Some(exchange) => exchange.scope(poll),
                None => ctx.scope(poll),
            }
        }));
        polled.unwrap_or_else(|panic| {
            forget(panic);
            // It must not be polled again.
            self.let_go();
            if let Some(exchange) = &mut self.exchange {
                exchange.panicked();
            }
            self.finish(End::Aborted(Phase::BodyPanic));
            Poll::Ready(Some(Err(axum::Error::new("the body panicked"))))
        })
    }
}

impl http_body::Body for HttpBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Some(stop) = &mut this.stop
            && stop.as_mut().poll(cx).is_ready()
        {
            this.stop = None;
            this.let_go();
            this.finish(End::Complete);
            return Poll::Ready(None);
        }
        let polled = this.poll_body(cx);
        let is_last = matches!(polled, Poll::Ready(Some(Ok(_)))) && this.is_over();
        let Some(exchange) = &mut this.exchange else {
            return polled;
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => this.finish(End::Complete),
            Poll::Ready(Some(Err(_))) => this.finish(End::Aborted(Phase::BodyError)),
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    exchange.sent(data.len());
                }
                // A server stops polling where it knows that nothing comes any more.
                let whole = this.length.is_some_and(|length| exchange.bytes() >= length);
                if whole || frame.is_trailers() || is_last {
                    this.finish(End::Complete);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        // With a record still open, the last poll must come.
        self.exchange.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for HttpBody {
    fn drop(&mut self) {
        self.let_go();
        drop(self.exchange.take());
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBody").finish_non_exhaustive()
    }
}
