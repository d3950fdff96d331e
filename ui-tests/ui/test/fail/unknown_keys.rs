#[obs::test(enviroment = "prod", start_pause = true)]
async fn sells(t: obs::TestObs) {
    drop(t);
}

fn main() {}
