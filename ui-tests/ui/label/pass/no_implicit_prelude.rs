#![no_implicit_prelude]
#![deny(warnings)]

use ::core::clone::Clone;
use ::core::marker::Copy;

#[derive(::obs::Label, Clone, Copy)]
pub enum Plan {
    Free,
    #[label(nested)]
    Paid(bool),
}

#[derive(::obs::Label, Clone, Copy)]
pub enum Kind {
    First,
    #[label(other)]
    Rest,
}

#[derive(::obs::ErrorLabel)]
pub enum Failure {
    #[label(nested)]
    Plan(Plan),
    #[label(ignore)]
    Code(u32),
}

fn main() {
    let _ = (Plan::Free, Plan::Paid(true), Kind::First, Kind::from_str_or_other("x"));
    let _ = (Failure::Plan(Plan::Free), Failure::Code(1));
}
