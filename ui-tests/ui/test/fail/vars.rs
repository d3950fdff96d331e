#[obs::test(vars(RUST_LOG = "debug"))]
fn without_quotes(t: obs::TestObs) {
    drop(t);
}

#[obs::test(vars("RUST_LOG" = "debug", "RUST_LOG" = "info"))]
fn twice(t: obs::TestObs) {
    drop(t);
}

fn main() {}
