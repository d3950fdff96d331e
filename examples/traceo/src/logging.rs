//! Logs on standard error, where they are in nobody's way.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging at the levels of `RUST_LOG`.
pub(crate) fn start() -> Result<(), String> {
    let stderr = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let subscriber = tracing_subscriber::registry().with(levels()?).with(stderr);
    subscriber.try_init().map_err(|error| error.to_string())
}

fn levels() -> Result<Targets, String> {
    match std::env::var("RUST_LOG") {
        Ok(levels) if !levels.is_empty() => levels.parse().map_err(|error| {
            format!("RUST_LOG is `{levels}`, which is no list of levels: {error}")
        }),
        _ => Ok(Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("rmcp", LevelFilter::WARN)
            .with_target("sqlx", LevelFilter::WARN)),
    }
}
