#[obs::__private::test_without_feature]
async fn sells(t: obs::TestObs) {
    drop(t);
}

fn main() {}
