//! A coffee bar that can be observed: `cargo run -p quickstart`, then
//! `curl -X POST http://127.0.0.1:8788/coffees/large` and `curl http://127.0.0.1:8788/metrics`.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use obs::Obs;
use tokio::net::TcpListener;

// A label value can only come from an enum: no client can make a new series.
#[derive(obs::Label, Clone, Copy, Debug)]
enum Size {
    Small,
    Large,
}

#[derive(obs::ErrorLabel, Debug)]
enum BarError {
    NoSuchSize,
    OutOfMilk,
}

obs::metrics! {
    registry BAR;
    prefix = "bar";
    max_series = 20;

    /// Coffees sold, by size.
    counter bar_coffees_total(size: Size);

    /// Cups of milk that are left.
    gauge bar_milk_cups();
}

// Counts calls, outcomes, errors by kind, seconds, and calls in flight.
#[obs::observed]
async fn brew(size: &str) -> Result<&'static str, BarError> {
    let (size, seconds) = match size {
        "small" => (Size::Small, 0.1),
        "large" => (Size::Large, 0.2),
        _ => return Err(BarError::NoSuchSize),
    };
    if bar_milk_cups().get() == 0 {
        return Err(BarError::OutOfMilk);
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    bar_milk_cups().dec();
    bar_coffees_total(size).inc();
    Ok("here you are\n")
}

async fn order(Path(size): Path<String>) -> Result<&'static str, StatusCode> {
    brew(&size).await.map_err(|error| match error {
        BarError::NoSuchSize => StatusCode::NOT_FOUND,
        BarError::OutOfMilk => StatusCode::SERVICE_UNAVAILABLE,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let obs = Obs::from_env(obs::service!())?.install()?;
    bar_milk_cups().set(10);
    let router = Router::new()
        .route("/", get(async || "POST /coffees/small or /coffees/large\n"))
        .route("/coffees/{size}", post(order));
    let listener = TcpListener::bind("127.0.0.1:8788").await?;
    println!("open http://127.0.0.1:8788/metrics");
    // Counts requests by method, route template and status, and serves /metrics.
    axum::serve(listener, obs.wrap(router)).await?;
    Ok(())
}
