//! A coffee bar that can be observed: `cargo run -p quickstart`, then
//! `curl -i -X POST http://127.0.0.1:8080/coffees/large` and `curl http://127.0.0.1:8080/metrics`.

use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

// A label value can only come from an enum: no client can make a new series.
#[derive(obs::Label, Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

// Counted by kind, logged, and answered as problem+json with the status it says.
#[derive(obs::ErrorLabel, obs::ProblemError, thiserror::Error, Debug)]
enum BarError {
    #[error("there are small coffees and large ones")]
    #[problem(status = 404, detail)]
    NoSuchSize,
    #[error("both machines are brewing")]
    #[problem(status = 503, retry_after = 1)]
    MachineBusy,
}

obs::metrics! {
    registry BAR;
    prefix = "bar";
    max_series = 20;

    /// Coffees sold, by size.
    counter bar_coffees_total(size: Size);

    /// Machines that are brewing.
    gauge bar_machines_busy();
}

static MACHINES: Semaphore = Semaphore::const_new(2);

// Counts calls, outcomes, errors by kind, seconds, and calls in flight.
#[obs::observed]
async fn brew(size: Size) -> Result<&'static str, BarError> {
    let _machine = MACHINES.try_acquire().map_err(|_| BarError::MachineBusy)?;
    // Given back however the call ends: by an answer, a panic, or a client that left.
    let _busy = bar_machines_busy().guard();
    tokio::time::sleep(Duration::from_millis(100)).await;
    bar_coffees_total(size).inc();
    Ok("here you are\n")
}

async fn order(Path(size): Path<String>) -> Result<&'static str, BarError> {
    // Goes to the log line of this request, never to a metric.
    obs::annotate("size", size.as_str());
    match size.as_str() {
        "small" => brew(Size::Small).await,
        "large" => brew(Size::Large).await,
        _ => Err(BarError::NoSuchSize),
    }
}

// Reads the environment, logs, waits for Ctrl-C or SIGTERM, and flushes before the end.
fn main() -> ExitCode {
    obs::run(obs::service!(), |obs| async move {
        let router = Router::new()
            .route("/", get(async || "POST /coffees/small or /coffees/large\n"))
            .route("/coffees/{size}", post(order));
        let listener = TcpListener::bind("127.0.0.1:8080").await?;
        tracing::info!("open http://127.0.0.1:8080/metrics");
        // Every request is counted, logged and given its ids; /metrics, /health and /ready are there.
        obs.serve(listener, obs.wrap(router)).await?;
        Ok(())
    })
}
