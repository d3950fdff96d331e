#[obs::observed]
const fn area(side: u32) -> u32 {
    side * side
}

fn main() {
    area(2);
}
