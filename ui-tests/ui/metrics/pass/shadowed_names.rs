#![deny(warnings)]
#![allow(dead_code, unused_macros, unused_imports, non_camel_case_types, nonstandard_style)]
//! Names of the standard library, of this crate and of its peers mean something else here.

mod shadows {
    pub struct Result;
    pub struct Ok;
    pub struct Err;
    pub struct Some;
    pub struct None;
    pub struct Option;
    pub struct Box;
    pub struct Vec;
    pub struct String;
    pub trait ToString {}
    pub trait Default {}
    pub trait Drop {}
    pub fn drop() {}
    pub trait From {}
    pub trait Into {}
    pub trait Send {}
    pub trait Sync {}
    pub trait Fn {}
    pub trait FnOnce {}
    pub trait Future {}
    pub struct Pin;
    pub trait Iterator {}
    pub trait Ord {}
    pub trait Hash {}
    pub trait Sized {}
    pub struct u8;
    pub struct u32;
    pub struct u64;
    pub struct usize;
    pub struct bool;
    pub struct str;
    pub struct f64;
    pub mod std {}
    pub mod core {}
    pub mod alloc {}
    pub mod metrics {}
    pub mod tracing {}
    pub mod log {}
    pub mod tokio {}
    pub mod axum {}
    pub mod linkme {}
    pub mod obs_runtime {}
    pub mod prometheus {}
    pub mod __private {}
    pub struct Label;
    pub struct ErrorLabel;
    pub struct Counter;
    pub struct Gauge;
    pub struct Histogram;
    pub struct Metric;
    pub struct Registry;
    pub struct Descriptor;
    pub struct Kind;
    pub struct AtomicU64;
    pub const VALUES: () = ();
    pub const N: () = ();
    pub fn index() {}
    pub fn counter() {}
    pub fn label() {}
    pub fn inner() {}
}

macro_rules! vec { () => { compile_error!("shadowed") } }
macro_rules! format { () => { compile_error!("shadowed") } }
macro_rules! println { () => { compile_error!("shadowed") } }
macro_rules! assert { () => { compile_error!("shadowed") } }
macro_rules! matches { () => { compile_error!("shadowed") } }
macro_rules! concat { () => { compile_error!("shadowed") } }
macro_rules! stringify { () => { compile_error!("shadowed") } }
macro_rules! panic { () => { compile_error!("shadowed") } }

/// Methods that might be taken for ours.
trait Ambiguous {
    fn inc(&self) {}
    fn add(&self) {}
    fn index(&self) {}
    fn len(&self) {}
    fn label(&self) {}
    fn get(&self) {}
    fn labels(&self) {}
    fn unit(&self) {}
    fn into(&self) {}
    fn clone(&self) {}
    fn as_ref(&self) {}
}

impl<T: ?Sized> Ambiguous for T {}

mod shop {
    use super::Ambiguous as _;
    use super::shadows::*;

    mod obs {}

    #[derive(::obs::Label, Clone, Copy)]
    pub(super) enum Plan {
        Free,
        #[label(nested)]
        Paid(::core::primitive::bool),
    }

    #[derive(::obs::Label, Clone, Copy)]
    pub(super) enum Word {
        Thanks,
        #[label(other)]
        Else,
    }

    #[derive(::obs::ErrorLabel)]
    pub(super) enum Failure {
        #[label(nested)]
        Plan(Plan),
        #[label(ignore)]
        Text(&'static ::core::primitive::str),
    }

    const B: &[::core::primitive::f64] = &[0.5];

    ::obs::metrics! {
        pub(super) registry N;
        prefix = "shop";
        max_series = 100;

        /// Orders taken.
        counter shop_orders_total(plan: Plan, word: Word);
        /// Seconds that tills were open.
        counter<f64> shop_open_seconds_total();
        /// Customers inside.
        gauge shop_customers(label: Plan);
        /// Tills that are open.
        gauge<f64> shop_tills_ratio();
        /// Which build runs.
        info shop_build_info { version: "1" };
        /// Seconds to the till.
        histogram shop_wait_seconds() { buckets = B, slo = { at: 0.5, target: 99.0 }, max_series = 4 }
    }
}

fn main() {
    use shop::{Plan, Word};
    ::obs::Counter::inc(shop::shop_orders_total(Plan::Free, Word::from_str_or_other("x")));
    ::obs::Counter::inc(shop::shop_orders_total(Plan::Paid(true), Word::Thanks));
    let _ = (shop::shop_customers(Plan::Free), shop::shop_tills_ratio(), shop::shop_wait_seconds());
    let _ = (shop::shop_open_seconds_total(), shop::Failure::Plan(Plan::Free), shop::Failure::Text(""));
}
