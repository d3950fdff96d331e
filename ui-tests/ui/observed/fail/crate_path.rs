#[obs::observed(crate = telemetry)]
fn relative() {}

#[obs::observed(crate = "obs")]
fn text() {}

fn main() {
    relative();
    text();
}
