#[obs::observed]
unsafe extern "C" fn log(_format: *const u8, _: ...) {}

fn main() {}
