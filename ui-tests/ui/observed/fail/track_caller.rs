#[obs::observed]
#[track_caller]
fn require(condition: bool) {
    assert!(condition);
}

fn main() {
    require(true);
}
