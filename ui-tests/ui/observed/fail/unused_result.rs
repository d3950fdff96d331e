#![deny(warnings)]

#[obs::observed]
fn risky() -> Result<u8, String> {
    Ok(1)
}

#[obs::observed]
#[must_use]
fn precious() -> u8 {
    1
}

#[obs::observed]
async fn lazy(unused: u8) {}

fn main() {
    risky();
    precious();
    lazy(1);
}
