#[obs::observed]
unsafe extern "C" fn log(format: *const u8, args: ...) {}

fn main() {}
