#[obs::test(start_paused = "yes")]
async fn no_boolean(t: obs::TestObs) {
    drop(t);
}

#[obs::test(flavor = "multi_thread", start_paused = true)]
async fn with_threads(t: obs::TestObs) {
    drop(t);
}

fn main() {}
