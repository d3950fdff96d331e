//! x
mod engine;
fn main(){}
