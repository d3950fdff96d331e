//! Where tests are not built, nothing of one is left, and nothing that it names is missed.
#![deny(warnings)]

#[obs::test]
async fn sells(t: obs::TestObs) -> Result<(), std::io::Error> {
    drop(t);
    Ok(())
}

#[obs::test(env = "prod", vars("RUST_LOG" = "debug"), flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow"]
pub(crate) async fn sells_in_prod(_: obs::TestObs) {}

#[obs::test(crate = ::obs)]
#[should_panic(expected = "sold out")]
fn is_sold_out(mut _t: ::obs::TestObs) {
    panic!("sold out");
}

fn main() {}
