#[obs::test(flavor = "multi_tread")]
async fn misspelled(t: obs::TestObs) {
    drop(t);
}

#[obs::test(flavor = "vanilla")]
async fn unknown(t: obs::TestObs) {
    drop(t);
}

fn main() {}
