//! Requests at a steady rate, whatever the answers: as the rest of the world sends them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::client::Client;

/// Requests that may wait for an answer; more are not sent, and counted.
const IN_FLIGHT: usize = 300;

const CURRENCIES: [&str; 20] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HUF", "INR", "JPY", "KRW",
    "MXN", "NOK", "NZD", "PLN", "SEK", "SGD", "USD",
];

/// What came of some traffic.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) latencies: Vec<Duration>,
    pub(super) failed: usize,
    pub(super) not_sent: usize,
}

impl Outcome {
    /// Returns the latency that 99 of 100 requests did not exceed.
    pub(super) fn p99(&self) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = sorted.len().saturating_sub(1) * 99 / 100;
        sorted.get(at).copied().unwrap_or_default()
    }
}

/// Asks for quotes, so many a second, and waits for the answers to all.
pub(super) async fn quotes(client: &Client, per_second: u32, during: Duration) -> Outcome {
    let end = Instant::now() + during;
    let places = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = JoinSet::new();
    let mut outcome = Outcome::default();
    for currency in CURRENCIES.into_iter().cycle() {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let client = client.clone();
                requests.spawn(async move {
                    let _place = place;
                    client.quote(currency).await
                });
            }
            Err(_) => outcome.not_sent += 1,
        }
    }
    while let Some(answer) = requests.join_next().await {
        match answer {
            Ok(Ok((status, took))) => {
                outcome.latencies.push(took);
                outcome.failed += usize::from(status != 200);
            }
            _ => outcome.failed += 1,
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Outcome;

    #[test]
    fn the_ninety_ninth_percentile_is_that_of_all() {
        let latencies = (1..=1000).rev().map(Duration::from_millis).collect();
        let outcome = Outcome {
            latencies,
            ..Outcome::default()
        };
        assert_eq!(outcome.p99(), Duration::from_millis(990));
        assert_eq!(Outcome::default().p99(), Duration::ZERO);
    }
}
