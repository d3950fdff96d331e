//! A `WebSocket` is counted while it is open, in the context of the request that opened it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::traffic::{OpenStream, StreamKind};
use crate::context::{Ctx, InCtx, WithCtx};

/// Counts a `WebSocket` while it is open, and keeps the ids of the request that opened it.
///
/// Put it around the callback of axum's `on_upgrade`, within the handler: the request itself ends
/// with its answer 101, and nothing outside can see the rest.
///
/// # Cancel safety
/// Dropping the future ends the count.
///
/// # Example
/// ```ignore
/// async fn progress(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade(obs::http::websocket(async |socket: WebSocket| {
///         // …
///     }))
/// }
/// ```
pub fn websocket<S, F, Fut>(callback: F) -> impl FnOnce(S) -> WithCtx<Counted<Fut>>
where
    F: FnOnce(S) -> Fut,
    Fut: Future<Output = ()>,
{
    let ctx = Ctx::current();
    let traffic = ctx.as_ref().and_then(|ctx| ctx.traffic().cloned());
    move |socket| {
        let open = traffic.map(|traffic| OpenStream::new(traffic, StreamKind::WebSocket));
        let future = match &ctx {
            Some(ctx) => ctx.scope(|| callback(socket)),
            None => callback(socket),
        };
        Counted { future, open }.with_ctx(ctx)
    }
}

pin_project! {
    /// A `WebSocket` that is counted while it is open; made by [`websocket`].
    #[derive(Debug)]
    #[must_use = "a future does nothing until it is awaited"]
    pub struct Counted<F> {
        #[pin]
        future: F,
        open: Option<OpenStream>,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}
