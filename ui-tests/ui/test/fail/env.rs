#[obs::test(env = "")]
fn nowhere(t: obs::TestObs) {
    drop(t);
}

#[obs::test(env = "prod", vars("OBS_ENV" = "dev"))]
fn in_two_places(t: obs::TestObs) {
    drop(t);
}

fn main() {}
