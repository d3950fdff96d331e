#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

#[obs::observed]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[obs::observed]
fn is_even(n: u8) -> bool {
    n == 0 || is_odd(n - 1)
}

#[obs::observed]
fn is_odd(n: u8) -> bool {
    n != 0 && is_even(n - 1)
}

#[obs::observed]
async fn count_down(n: u8) -> u8 {
    if n == 0 { 0 } else { Box::pin(count_down(n - 1)).await }
}

#[obs::observed]
fn walk(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move { if n == 0 { 0 } else { walk(n - 1).await } })
}

trait Node {
    #[obs::observed]
    fn depth(&self, n: u8) -> u8 {
        if n == 0 { 0 } else { self.depth(n - 1) + 1 }
    }
}

impl Node for u8 {}

fn main() {
    factorial(3);
    is_even(3);
    drop(count_down(1));
    drop(walk(1));
    1u8.depth(3);
}
