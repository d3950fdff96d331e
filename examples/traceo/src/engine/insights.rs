//! Current figures of the engine, as server-sent events.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::get;
use futures_util::stream::unfold;
use serde::Serialize;
use sqlx::Row as _;
use tokio::time::{Instant, sleep_until};

use super::error::EngineError;
use super::parameters::Parameters;
use crate::api::{JobStatus, text};
use crate::database::{Database, PATIENCE, StorageError, in_time, now, rfc3339};
use crate::telemetry::{Shutdown, code};

/// How many events there are unless the client says otherwise.
const COUNT: u32 = 5;
/// How many milliseconds lie between them.
const INTERVAL_MS: u32 = 1000;

/// Shorter than what proxies and clients take for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What "the last hour" is.
const HOUR_MS: i64 = 60 * 60 * 1000;

#[derive(Clone, Debug)]
struct Insights {
    database: Database,
    shutdown: Shutdown,
}

/// `GET /insights?count=1..20&interval=10..10000`.
pub(super) fn routes(database: Database, shutdown: Shutdown) -> Router {
    Router::new()
        .route("/insights", get(insights))
        .with_state(Insights { database, shutdown })
}

async fn insights(State(insights): State<Insights>, uri: Uri) -> Result<Response, EngineError> {
    let parameters = Parameters::of(&uri, &["count", "interval"])?;
    let count = parameters.number("count", 1..=20, "a number from 1 to 20")?;
    let expected = "a number of milliseconds from 10 to 10000";
    let interval = parameters.number("interval", 10..=10_000, expected)?;
    let interval = Duration::from_millis(interval.unwrap_or(INTERVAL_MS).into());
    // The first figures are read before there is an answer: a database that does not work is then
    // a 503, and not a stream without events.
    let first = in_time(PATIENCE, figures(&insights.database)).await?;
    let remaining = Remaining {
        insights,
        first: Some(first),
        next: 1,
        count: count.unwrap_or(COUNT),
        due: Instant::now(),
        interval,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let events = Sse::new(unfold(remaining, Remaining::event));
    Ok(events.keep_alive(keep_alive).into_response())
}

/// What is still to be sent.
struct Remaining {
    insights: Insights,
    first: Option<Figures>,
    /// The number of the next event, from 1.
    next: u32,
    count: u32,
    due: Instant,
    interval: Duration,
}

impl Remaining {
    async fn event(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if self.next > self.count {
            return None;
        }
        tokio::select! {
            biased;
            () = self.insights.shutdown.closing() => return None,
            () = sleep_until(self.due) => {}
        }
        let figures = match self.first.take() {
            Some(figures) => Ok(figures),
            None => in_time(PATIENCE, figures(&self.insights.database)).await,
        };
        let event = Event::default().id(self.next.to_string());
        let event = match figures {
            Ok(figures) => event.event("insight").json_data(figures),
            Err(error) => event
                .event("problem")
                .json_data(Problem { code: code(&error) }),
        };
        self.next += 1;
        // Counted from now, so that a client that was slow does not get several at once.
        self.due = Instant::now() + self.interval;
        // Texts and numbers are always JSON.
        Some((Ok(event.unwrap_or_default()), self))
    }
}

/// Why there are no figures this time.
#[derive(Serialize)]
struct Problem {
    code: &'static str,
}

/// What is sent.
#[derive(Debug, Serialize)]
struct Figures {
    at: String,
    /// How many jobs there are in each state.
    jobs: BTreeMap<&'static str, i64>,
    last_hour: Rows,
    newest_job: Option<NewestJob>,
}

/// The rows of the jobs that were accepted within the last hour.
#[derive(Debug, Serialize)]
struct Rows {
    rows_ok: i64,
    rows_rejected: i64,
}

#[derive(Debug, Serialize)]
struct NewestJob {
    job_id: String,
    status: String,
    created_at: String,
}

#[obs::observed(name = "read_figures")]
async fn figures(database: &Database) -> Result<Figures, StorageError> {
    let pool = database.pool();
    let at = now();

    let mut jobs: BTreeMap<_, _> = JobStatus::ALL.map(|status| (text(status), 0)).into();
    let query = "SELECT status, CAST(count(*) AS BIGINT) AS jobs FROM jobs GROUP BY status";
    for row in sqlx::query(query).fetch_all(pool).await? {
        let (status, number): (String, i64) = (row.try_get("status")?, row.try_get("jobs")?);
        if let Some(status) = JobStatus::from_name(&status) {
            jobs.insert(text(status), number);
        }
    }

    let query = "SELECT CAST(coalesce(sum(rows_ok), 0) AS BIGINT) AS rows_ok, \
                 CAST(coalesce(sum(rows_rejected), 0) AS BIGINT) AS rows_rejected \
                 FROM jobs WHERE created_at > $1";
    let row = sqlx::query(query)
        .bind(at - HOUR_MS)
        .fetch_one(pool)
        .await?;
    let last_hour = Rows {
        rows_ok: row.try_get("rows_ok")?,
        rows_rejected: row.try_get("rows_rejected")?,
    };

    // Ids are made in the order of time.
    let query = "SELECT id, status, created_at FROM jobs ORDER BY id DESC LIMIT 1";
    let newest = sqlx::query(query).fetch_optional(pool).await?;
    let newest_job = newest.map(|row| {
        Ok::<_, sqlx::Error>(NewestJob {
            job_id: row.try_get("id")?,
            status: row.try_get("status")?,
            created_at: rfc3339(row.try_get("created_at")?),
        })
    });
    Ok(Figures {
        at: rfc3339(at),
        jobs,
        last_hour,
        newest_job: newest_job.transpose()?,
    })
}

#[cfg(test)]
mod tests;
