#[obs::test]
fn sells<T: Default>(t: obs::TestObs) {
    drop((t, T::default()));
}

fn main() {}
