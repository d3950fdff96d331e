//! All that knows about `obs`, beside attributes, derives and declared metrics.
//!
//! The rest of the program asks in its own words: where a change comes from ([`Origin`]), how work
//! is stored and taken up again ([`Ticket`]), which job the current work is about ([`about_job`]).

pub(crate) mod artifacts;
mod attempt;
mod clients;
pub(crate) mod mcp;
mod origin;
mod renamed;
mod service;
mod surroundings;
pub(crate) mod tell;
mod user;

#[cfg(test)]
pub(crate) use obs::TestObs;
pub(crate) use obs::{BoxError, Shutdown};

pub(crate) use attempt::{Attempt, Ticket};
pub(crate) use clients::{
    Client, Pool, Queue, Transaction, engine_client, upstream_client, webhook_client,
};
pub(crate) use origin::{ANONYMOUS, Origin};
pub(crate) use service::{Role, Start, Telemetry};
pub(crate) use surroundings::{Scraping, Surroundings};
pub(crate) use user::USER;

use std::future::Future;

use crate::api::JobId;

/// The text of a label, which is also what the database and the clients get.
pub(crate) fn text<L: obs::Label>(label: L) -> &'static str {
    L::VALUES.get(label.index()).copied().unwrap_or("other")
}

/// Puts the job's id on every later line and event of the current request, call or job.
pub(crate) fn about_job(id: &JobId) {
    obs::bind("job_id", id.as_str());
}

/// Does blocking work on a thread of its own, in the context of the caller.
pub(crate) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, tokio::task::JoinError> {
    obs::spawn_blocking(work).await
}

/// Counts a `WebSocket` while it is open, and keeps the ids of the request that opened it.
pub(crate) fn in_websocket<S, F: Future<Output = ()> + Send>(
    callback: impl FnOnce(S) -> F + Send,
) -> impl FnOnce(S) -> obs::WithCtx<obs::http::Counted<F>> + Send {
    obs::http::websocket(callback)
}

/// Returns the code of an error: the one that it would answer a request with.
pub(crate) fn code<E: obs::ErrorLabel>(error: &E) -> &'static str {
    obs::ErrorCode::of(error).as_str()
}

/// Does work on a task of its own, which goes on if the caller is gone, in the caller's context.
pub(crate) fn on_a_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    obs::spawn(work)
}

/// Does what the service does by itself, now and then, under a correlation id of its own.
pub(crate) async fn tick<T, E>(
    name: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    obs::Carrier::new().job(name, 1).try_run(work).await
}

/// Starts a task that belongs to no request.
pub(crate) fn in_background(
    future: impl Future<Output = ()> + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(future)
}

/// Observes a pool outside of any service.
#[cfg(test)]
pub(crate) fn observed_for_tests(pool: sqlx::AnyPool) -> Pool {
    let service = obs::Service::new("traceo-test", "0");
    let setup = obs::Obs::from_vars(service, [("OBS_ENV", "dev")]).expect("no variable is wrong");
    clients::pool(&setup.detached().expect("nothing is wrong"), pool)
}
