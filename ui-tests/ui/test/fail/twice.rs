#[obs::test]
#[test]
fn sells(t: obs::TestObs) {
    drop(t);
}

fn main() {}
