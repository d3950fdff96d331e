//! Looks at both services again and again, shows how they are, and remembers the worst.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;
use super::scrape::Page;
use super::screen::Screen;
use crate::both::Addresses;

const EVERY: Duration = Duration::from_millis(250);

/// How the services are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    requests: f64,
    errors: f64,
    pub(super) active: f64,
    pub(super) waiting: f64,
    pub(super) max: f64,
    pub(super) queue: f64,
    pub(super) backlog: f64,
}

/// The worst since [`Watch::forget`].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peak {
    pub(super) active: f64,
    pub(super) waiting: f64,
    pub(super) backlog: f64,
}

#[derive(Debug, Default)]
pub(super) struct Watch(Mutex<Peak>);

impl Watch {
    pub(super) fn forget(&self) {
        *self.peak_mut() = Peak::default();
    }

    pub(super) fn peak(&self) -> Peak {
        *self.peak_mut()
    }

    fn note(&self, figures: &Figures) {
        let mut peak = self.peak_mut();
        peak.active = peak.active.max(figures.active);
        peak.waiting = peak.waiting.max(figures.waiting);
        peak.backlog = peak.backlog.max(figures.backlog);
    }

    fn peak_mut(&self) -> MutexGuard<'_, Peak> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Figures {
    pub(super) fn of(page: &Page) -> Self {
        let connections = |state| page.sum("traceo_db_client_connections", &[("state", state)]);
        Self {
            requests: page.sum("traceo_http_requests_total", &[]),
            errors: ["500", "502", "503", "504", "507"]
                .iter()
                .map(|status| page.sum("traceo_http_requests_total", &[("status", status)]))
                .fold(0.0, |sum, errors| sum + errors),
            active: connections("active"),
            waiting: connections("waiting"),
            max: page.sum("traceo_db_client_connections_max", &[]),
            queue: page.sum("traceo_engine_queue_depth", &[]),
            backlog: page.sum("traceo_engine_webhook_backlog", &[]),
        }
    }
}

/// Looks until it is dropped.
pub(super) async fn watch(
    client: Client,
    addresses: Addresses,
    screen: Arc<Screen>,
    seen: Arc<Watch>,
) {
    let start = Instant::now();
    let urls = [addresses.engine_url(), addresses.mcp_url()].map(|url| url + "/metrics");
    let mut before: Option<(Instant, Figures, f64)> = None;
    loop {
        tokio::time::sleep(EVERY).await;
        let [engine, mcp] = &urls;
        let (engine, mcp) = tokio::join!(client.metrics(engine), client.metrics(mcp));
        let clock = start.elapsed().as_secs();
        let clock = format!("{:02}:{:02}", clock / 60, clock % 60);
        let away = if mcp.is_err() {
            " · MCP server away"
        } else {
            ""
        };
        let Ok(engine) = engine else {
            before = None;
            screen.show(&format!("{clock} · engine away{away}"));
            continue;
        };
        let figures = Figures::of(&engine);
        seen.note(&figures);
        let at_mcp = mcp.map_or(0.0, |mcp| Figures::of(&mcp).requests);
        let now = Instant::now();
        // A counter that went down began anew with its process.
        let rate = before.as_ref().map_or(0.0, |(then, past, past_at_mcp)| {
            let more =
                (figures.requests - past.requests).max(0.0) + (at_mcp - past_at_mcp).max(0.0);
            more / now.duration_since(*then).as_secs_f64()
        });
        let Figures {
            errors,
            active,
            waiting,
            max,
            queue,
            backlog,
            ..
        } = figures;
        screen.show(&format!(
            "{clock} · {rate:.0} requests/s, {errors:.0} × 5xx · pool {active:.0} of {max:.0}, \
             {waiting:.0} wait · queue {queue:.0} · webhooks {backlog:.0}{away}"
        ));
        before = Some((now, figures, at_mcp));
    }
}
