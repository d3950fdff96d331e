#[obs::observed]
pub extern "C" fn callback(code: i32) -> i32 {
    code
}

fn main() {
    callback(1);
}
