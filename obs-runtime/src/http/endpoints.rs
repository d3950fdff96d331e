//! Where obs' own endpoints are, and what they answer.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, Method, Response, Uri, Version};

use super::access::{Access, Listener};
use super::admin_page::{self, AdminPage, PageRequest, below};
use super::page;
use crate::exposition::Format;
use crate::start::Obs;

/// What obs answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Metrics,
    Health,
    Ready,
    Startup,
}

/// The paths of the endpoints.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) metrics: Cow<'static, str>,
    pub(crate) health: Cow<'static, str>,
    pub(crate) ready: Cow<'static, str>,
    pub(crate) startup: Cow<'static, str>,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            metrics: Cow::Borrowed("/metrics"),
            health: Cow::Borrowed("/health"),
            ready: Cow::Borrowed("/ready"),
            startup: Cow::Borrowed("/startup"),
        }
    }
}

impl Paths {
    /// Returns the endpoint at a path.
    pub(crate) fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let (_, _, endpoint) = self.all().into_iter().find(|(_, own, _)| *own == path)?;
        Some(endpoint)
    }

    /// Returns the setting, the path and the endpoint of each.
    pub(crate) fn all(&self) -> [(&'static str, &str, Endpoint); 4] {
        [
            ("metrics_path", &self.metrics, Endpoint::Metrics),
            ("health_path", &self.health, Endpoint::Health),
            ("ready_path", &self.ready, Endpoint::Ready),
            ("startup_path", &self.startup, Endpoint::Startup),
        ]
    }
}

/// What an endpoint looks at of a request. The body is never read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) listener: Listener,
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
    /// Who asks, where that is known.
    pub(crate) peer: Option<SocketAddr>,
}

/// An answer, or the wait for it.
pub(crate) enum Answer {
    Ready(Response<Body>),
    Wait(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
}

impl Answer {
    /// Waits for the answer.
    pub(crate) async fn response(self) -> Response<Body> {
        match self {
            Self::Ready(response) => response,
            Self::Wait(response) => response.await,
        }
    }
}

/// Answers a request for one of the endpoints, or returns `None`: such a page does not exist here,
/// or not for whoever asks, who shall not be able to tell the difference.
pub(crate) fn answer(obs: &Obs, asked: &Asked<'_>) -> Option<Answer> {
    let serving = &obs.http().serving;
    let path = asked.uri.path();
    if let Some(page) = &serving.page
        && let Some(rest) = below(page.path(), path)
    {
        return page_answer(obs, page, rest, asked);
    }
    let endpoint = serving.paths.endpoint(path)?;
    if endpoint == Endpoint::Metrics {
        let access = &serving.access;
        match access.decide(asked.listener, asked.headers, asked.peer) {
            Access::Open => {}
            Access::Hidden => return None,
            Access::Refused => return Some(Answer::Ready(page::unauthorized())),
        }
    }
    if !page::is_read(asked.method) {
        return Some(Answer::Ready(page::method_not_allowed()));
    }
    let method = asked.method.clone();
    let health = &obs.http().health;
    Some(match endpoint {
        Endpoint::Metrics => {
            let format = Format::from_accept(asked.headers.get_all(ACCEPT));
            let obs = obs.clone();
            Answer::Wait(Box::pin(async move {
                match obs.http().serving.snapshots.get(&obs, format).await {
                    Ok(text) => page::metrics(&method, format, text),
                    Err(_) => page::busy(),
                }
            }))
        }
        Endpoint::Health => Answer::Ready(page::health(&method, true, health.alive().body())),
        Endpoint::Startup => {
            let started = health.is_started();
            let said: &[u8] = if started {
                br#"{"status":"ok"}"#
            } else {
                br#"{"status":"starting"}"#
            };
            Answer::Ready(page::health(&method, started, Bytes::from_static(said)))
        }
        Endpoint::Ready => {
            let obs = obs.clone();
            Answer::Wait(Box::pin(async move {
                let parts = obs.http();
                let report = parts.health.ready(parts.shutdown.has_begun()).await;
                page::health(&method, report.degraded.is_none(), report.body())
            }))
        }
    })
}

/// Answers a request for the service's own page, or below it.
fn page_answer(
    obs: &Obs,
    page: &Arc<dyn AdminPage>,
    rest: &str,
    asked: &Asked<'_>,
) -> Option<Answer> {
    match obs.http().serving.access.decide_page(asked) {
        Access::Open => {}
        Access::Hidden => return None,
        Access::Refused => return Some(Answer::Ready(admin_page::unauthorized())),
    }
    if !page::is_read(asked.method) {
        return Some(Answer::Ready(admin_page::method_not_allowed()));
    }
    let request = PageRequest {
        path: rest.to_owned(),
        query: asked.uri.query().unwrap_or_default().to_owned(),
    };
    let method = asked.method.clone();
    let answer = admin_page::unseen(|| page.answer(obs, request));
    Some(Answer::Wait(Box::pin(async move {
        answer.await.response(&method)
    })))
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Wait(_) => "Wait",
        })
    }
}
