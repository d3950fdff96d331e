//! Every level, with fields and without.

#[obs::observed(level = "trace")]
fn trace() {}

#[obs::observed(level = "debug", fields(job = 7))]
async fn debug() {}

#[obs::observed(level = "info", name = "told")]
fn info<T: Default>() -> Result<T, String> {
    Ok(T::default())
}

#[obs::observed(level = "warn")]
fn warn() -> impl Future<Output = ()> {
    async {}
}

#[obs::observed(level = "error", fields(error.type = "mine", otel.status_code = "OK"))]
fn error() {}

fn main() {
    trace();
    drop(debug());
    drop(info::<u8>());
    drop(warn());
    error();
}
