#![deny(dead_code)]

#[obs::observed]
fn forgotten() -> u8 {
    1
}

#[obs::observed]
async fn forgotten_too() {}

fn main() {}
