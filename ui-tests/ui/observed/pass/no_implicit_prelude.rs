#![no_implicit_prelude]
#![deny(warnings)]

use ::core::result::Result::{self, Err, Ok};
use ::std::boxed::Box;
use ::std::string::String;

#[::obs::observed]
fn plain(n: u32) -> Result<u32, String> {
    if n > 3 { Err(String::new()) } else { Ok(n) }
}

#[::obs::observed(fields(n = n, shown = %n, debugged = ?n), slo(at = 0.5, target = 99.0), buckets = [0.5])]
async fn asynchronous(n: u32) -> Result<u32, String> {
    plain(n)
}

#[::obs::observed(name = "boxed_one")]
fn boxed(n: u32) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = u32> + ::core::marker::Send>> {
    Box::pin(async move { n })
}

#[::obs::observed]
fn opaque(n: u32) -> impl ::core::future::Future<Output = u32> {
    async move { n }
}

fn main() {
    ::core::mem::drop(plain(1));
    ::core::mem::drop(asynchronous(1));
    ::core::mem::drop(boxed(1));
    ::core::mem::drop(opaque(1));
}
