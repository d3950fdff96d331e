#![deny(warnings)]
#![allow(non_camel_case_types, dead_code, unused_macros)]

mod std {}
mod core {}
mod alloc {}
mod obs {}
mod obs_runtime {}
mod tracing {}
mod tokio {}
mod metrics {}
mod log {}
mod __private {}

struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct None;
struct Box;
struct Pin;
struct Vec;
struct String;
struct Send;
struct Sync;
struct Future;
struct Fn;
struct FnOnce;
struct Drop;
struct Default;
struct Into;
struct From;
struct Iterator;
struct Site;
struct Operation;
struct bool;
struct u64;
struct f64;
struct usize;
struct str;

macro_rules! panic { () => {} }
macro_rules! concat { () => {} }
macro_rules! stringify { () => {} }
macro_rules! module_path { () => {} }
macro_rules! file { () => {} }
macro_rules! line { () => {} }
macro_rules! assert { () => {} }
macro_rules! info_span { () => {} }
macro_rules! vec { () => {} }
macro_rules! compile_error { () => {} }

trait Noise {
    fn run(&self) {}
    fn future(&self) {}
    fn record(&self) {}
    fn span(&self) {}
    fn seen(&self) {}
    fn parts(&self) {}
    fn shape(&self) {}
    fn values(&self) {}
    fn begin(&self) {}
    fn any(&self) {}
}

impl<T> Noise for T {}

#[::obs::observed(fields(a = 1, b = %guard))]
fn plain(guard: u32, start: u32, result: u32, __obs_value: u32) -> ::core::result::Result<u32, u32> {
    ::core::result::Result::Ok(guard + start + result + __obs_value)
}

#[::obs::observed]
async fn asynchronous(site: u32, plan: u32) -> u32 {
    site + plan
}

#[::obs::observed]
fn boxed(n: u32) -> ::core::pin::Pin<::std::boxed::Box<dyn ::core::future::Future<Output = u32>>> {
    ::std::boxed::Box::pin(async move { n })
}

type Alias = ::core::result::Result<u32, u32>;

#[::obs::observed]
fn alias() -> Alias {
    ::core::result::Result::Err(1)
}

fn main() {
    ::core::mem::drop((plain(1, 2, 3, 4), asynchronous(1, 2), boxed(1), alias()));
}
