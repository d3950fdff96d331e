//! Counting a request exactly once, whatever ends it.

use http::StatusCode;

use crate::label::Label;
use crate::metric::Cells;

/// "Client closed request": what nginx logs for a client that left before the response.
const CLIENT_LEFT: u16 = 499;

/// Counts its request when it is finished, or as 499 when it is dropped before.
#[derive(Debug)]
#[must_use = "dropping the guard counts the request as abandoned"]
pub(super) struct RequestGuard {
    cells: Option<&'static Cells>,
}

impl RequestGuard {
    pub(super) fn new(cells: &'static Cells) -> Self {
        Self { cells: Some(cells) }
    }

    /// Counts the request with the status of its response.
    pub(super) fn finish(mut self, status: StatusCode) {
        self.count(status);
    }

    fn count(&mut self, status: StatusCode) {
        if let Some(cells) = self.cells.take() {
            // The index is below the number of labels, which is that of the cells.
            cells.add(<StatusCode as Label>::index(status), 1);
        }
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        if let Ok(status) = StatusCode::from_u16(CLIENT_LEFT) {
            self.count(status);
        }
    }
}

/// Counts the request as 500 if a panic passes by; the panic goes on.
///
/// It lives on the stack around the handler. When the future is dropped later, nobody can tell a
/// panic from a client that left.
pub(super) struct OnPanic<'a> {
    guard: &'a mut Option<RequestGuard>,
    armed: bool,
}

impl<'a> OnPanic<'a> {
    pub(super) fn new(guard: &'a mut Option<RequestGuard>) -> Self {
        Self { guard, armed: true }
    }

    pub(super) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if self.armed
            && let Some(guard) = self.guard.take()
        {
            guard.finish(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
