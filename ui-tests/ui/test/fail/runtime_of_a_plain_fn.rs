#[obs::test(start_paused = true)]
fn sells(t: obs::TestObs) {
    drop(t);
}

fn main() {}
