#[obs::test]
async fn sells(t: obs::TestObs, price: u32) {
    drop((t, price));
}

fn main() {}
