#[obs::test(worker_threads = 2)]
async fn without_threads(t: obs::TestObs) {
    drop(t);
}

#[obs::test(flavor = "multi_thread", worker_threads = 0)]
async fn none(t: obs::TestObs) {
    drop(t);
}

fn main() {}
