//! What the console costs: `cargo run --release -p obs-console --example cost`.
//!
//! A request through `obs.wrap`, with its two lines of the log, whose sink is nothing; then with the
//! console listening. And the memory of a console that has been told far more than it keeps.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use obs::{LogFormat, Obs, Setup};
use obs_console::Console;
use tower::ServiceExt;
use tracing_subscriber::layer::{Layer, SubscriberExt};

const REQUESTS: u32 = 100_000;
const ROUNDS: u32 = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let without = start(|setup| setup)?;
        let before = resident();
        let with = start(|setup| setup.admin_page(Console::new()))?;
        let (mut alone, mut watched) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            alone = alone.min(round(&without).await?);
            watched = watched.min(round(&with).await?);
        }
        println!("a request without a console  {:?}", alone / REQUESTS);
        println!("a request with the console   {:?}", watched / REQUESTS);
        println!(
            "resident memory              +{} KiB",
            resident().saturating_sub(before)
        );
        let begun = Instant::now();
        let (_, body) = ask(&with, "/console/api/overview").await?;
        println!(
            "the numbers                  {} bytes in {:?}",
            body.len(),
            begun.elapsed()
        );
        let kept = String::from_utf8(body)?;
        let at = kept.find("\"kept\"").unwrap_or_default();
        println!(
            "what it keeps                {}",
            kept[at..].chars().take(220).collect::<String>()
        );
        Ok(())
    })
}

struct Running {
    app: Router,
    subscriber: tracing::Dispatch,
}

fn start(options: impl FnOnce(Setup) -> Setup) -> Result<Running, Box<dyn std::error::Error>> {
    let variables = [("OBS_ENV", "dev")];
    let setup = Obs::from_vars(obs::service!(), variables)?
        .log_writer(std::io::sink())
        .log_format(LogFormat::Json);
    let obs = options(setup).detached()?;
    let log = obs.log_layer();
    let registry = tracing_subscriber::registry().with(log.with_filter(obs.log_filter()));
    // As `install` does: no layer where there is no page.
    let subscriber = match obs.admin_page_layer() {
        Some(page) => tracing::Dispatch::new(registry.with(page)),
        None => tracing::Dispatch::new(registry),
    };
    let app = obs.wrap(Router::new().route("/books/{book}", get(async || "here it is\n")));
    Ok(Running { app, subscriber })
}

async fn round(running: &Running) -> Result<Duration, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    for _ in 0..REQUESTS {
        ask(running, "/books/novel").await?;
    }
    Ok(begun.elapsed())
}

async fn ask(running: &Running, path: &str) -> Result<(u16, Vec<u8>), Box<dyn std::error::Error>> {
    let _default = tracing::dispatcher::set_default(&running.subscriber);
    let here: SocketAddr = ([127, 0, 0, 1], 9).into();
    let request = Request::get(path).header("host", "localhost");
    let request = request.extension(ConnectInfo(here)).body(Body::empty())?;
    let response = running.app.clone().oneshot(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, body.to_vec()))
}

/// KiB of the process that are in memory; 0 where that is not known.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}
