//! A stream made of a future that gives one item after the other.
//!
//! A stream of rows borrows the connection that it comes from, so the two cannot be fields of one
//! struct. A future may hold both.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use futures_core::stream::Stream;
use sqlx::Error;

/// Where the future leaves an item for the stream.
pub(super) struct Giver<T>(Arc<Mutex<Option<T>>>);

impl<T> Giver<T> {
    /// Gives an item, and goes on once the stream is asked for the next.
    pub(super) async fn give(&self, item: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
        let mut is_given = false;
        poll_fn(|_| {
            // Nobody need be woken: the stream gives the item away in this very poll.
            if std::mem::replace(&mut is_given, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// The items that a future gives, then its error if it ends in one.
pub(super) struct Rows<'e, T> {
    item: Arc<Mutex<Option<T>>>,
    /// `None` after its end.
    future: Option<BoxFuture<'e, Result<(), Error>>>,
}

impl<'e, T> Rows<'e, T> {
    pub(super) fn new<F>(make: impl FnOnce(Giver<T>) -> F) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'e,
    {
        let item = Arc::new(Mutex::new(None));
        Self {
            future: Some(Box::pin(make(Giver(Arc::clone(&item))))),
            item,
        }
    }
}

impl<T> Stream for Rows<'_, T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(None);
        };
        let polled = future.as_mut().poll(cx);
        let mut item = self.item.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(item) = item.take() {
            return Poll::Ready(Some(Ok(item)));
        }
        drop(item);
        match polled {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.future = None;
                Poll::Ready(result.err().map(Err))
            }
        }
    }
}
