//! A coffee bar that can be observed: `cargo run -p quickstart`, then
//! `curl -X POST http://127.0.0.1:8788/coffees/large` and `curl http://127.0.0.1:8788/metrics`.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use obs::Obs;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

// A label value can only come from an enum: no client can make a new series.
#[derive(obs::Label, Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

#[derive(obs::ErrorLabel, Debug)]
enum BarError {
    NoSuchSize,
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
async fn brew(size: &str) -> Result<&'static str, BarError> {
    let (size, seconds) = match size {
        "small" => (Size::Small, 0.1),
        "large" => (Size::Large, 0.2),
        _ => return Err(BarError::NoSuchSize),
    };
    let _machine = MACHINES.try_acquire().map_err(|_| BarError::MachineBusy)?;
    // Given back however the call ends: by an answer, a panic, or a client that left.
    let _busy = bar_machines_busy().guard();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    bar_coffees_total(size).inc();
    Ok("here you are\n")
}

async fn order(Path(size): Path<String>) -> Result<&'static str, StatusCode> {
    brew(&size).await.map_err(|error| match error {
        BarError::NoSuchSize => StatusCode::NOT_FOUND,
        BarError::MachineBusy => StatusCode::SERVICE_UNAVAILABLE,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let obs = Obs::from_env(obs::service!())?.install()?;
    let router = Router::new()
        .route("/", get(async || "POST /coffees/small or /coffees/large\n"))
        .route("/coffees/{size}", post(order));
    let listener = TcpListener::bind("127.0.0.1:8788").await?;
    println!("open http://127.0.0.1:8788/metrics");
    // Counts requests by method, route template and status, and serves /metrics.
    axum::serve(listener, obs.wrap(router)).await?;
    Ok(())
}
