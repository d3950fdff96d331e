#[obs::test]
async fn borrows(t: &obs::TestObs) {
    t.assert_no_leaks();
}

fn main() {}
