#![deny(warnings, unsafe_op_in_unsafe_fn)]

#[obs::observed]
unsafe fn read(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

#[obs::observed]
async unsafe fn read_later(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

fn main() {
    let n = 1u8;
    assert_eq!(unsafe { read(&n) }, 1);
    drop(unsafe { read_later(&n) });
}
