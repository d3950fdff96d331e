//! Futures are `Send`, `'static` and spawnable where the bare ones are, and local where those are.
#![deny(warnings)]

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

struct Store(Cell<u8>);

impl Store {
    #[obs::observed]
    async fn owned(self) -> Result<u8, String> {
        tokio::task::yield_now().await;
        Ok(self.0.get())
    }

    #[obs::observed]
    async fn local(&self) -> u8 {
        self.0.get()
    }
}

#[obs::observed(fields(n), slo(at = 0.5, target = 99.0))]
async fn with_fields<T: Send + 'static>(n: u8, value: T) -> (u8, T) {
    tokio::task::yield_now().await;
    (n, value)
}

#[obs::observed]
fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send + Sync>> {
    Box::pin(async move { n })
}

#[obs::observed]
fn local_box(n: Rc<u8>) -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async move { *n })
}

fn spawns<T: Send + 'static>(_: impl Future<Output = T> + Send + 'static) {}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    spawns(Store(Cell::new(1)).owned());
    spawns(with_fields(1, "x".to_owned()));
    spawns(boxed(1));
    Store(Cell::new(1)).local().await;
    local_box(Rc::new(1)).await;
    tokio::spawn(with_fields(1, ())).await.unwrap();
}
