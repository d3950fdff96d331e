//! What the tests of the routes stand on: an engine's database, and requests to observed routes.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::Value;
use sqlx::Row as _;
use tempfile::TempDir;

use super::schema::SCHEMA;
use crate::database::{Database, Location};
use crate::telemetry::{Telemetry, TestObs};

/// How long what must happen may take; no test waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Trial {
    pub(super) t: TestObs,
    pub(super) telemetry: Telemetry,
    pub(super) database: Database,
    _directory: TempDir,
}

impl Trial {
    pub(super) async fn begin(t: &TestObs, connections: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let telemetry = Telemetry {
            obs: t.obs().clone(),
        };
        let location = Location::Directory(directory.path().to_owned());
        let observe = |pool| telemetry.pool(pool);
        let database = Database::open(&location, &SCHEMA, connections, observe).await;
        Self {
            t: t.clone(),
            database: database.unwrap(),
            telemetry,
            _directory: directory,
        }
    }

    /// Asks observed routes; returns status, content type and body.
    pub(super) async fn get(&self, routes: &Router, path: &str) -> (StatusCode, String, Value) {
        let app = self.t.obs().wrap(routes.clone());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.t.request(app, request).await;
        let kind = response.headers()["content-type"].to_str().unwrap();
        let body = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status(), kind.to_owned(), body)
    }

    /// Asks for something that is refused; returns status and code of the problem.
    pub(super) async fn refused(&self, routes: &Router, path: &str) -> (u16, String) {
        let (status, kind, problem) = self.get(routes, path).await;
        assert_eq!(kind, "application/problem+json", "{path}");
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        (status.as_u16(), code)
    }

    /// Stores a job: id, status, rows imported and rejected, moment of creation.
    pub(super) async fn job(&self, values: &str) {
        let columns = "id, status, rows_ok, rows_rejected, created_at, source, name, layout, \
                       carrier, actor, correlation_id, attempts, failures, bytes_read, \
                       bytes_total, not_before, cancel";
        let rest = "'upload', 'a.csv', '', '', '', '', 1, 0, 0, 0, 0, 0";
        self.execute(&format!(
            "INSERT INTO jobs ({columns}) VALUES ({values}, {rest})"
        ))
        .await;
    }

    /// Asserts that no request and no stream is under way any more.
    ///
    /// Not that all spans are closed: a thread of `SQLite`, to which the test's subscriber is a
    /// stranger, has entered some of them.
    pub(super) async fn nothing_is_under_way(&self) {
        let open = || {
            self.t.metric("http_streams_open", &[]) + self.t.metric("http_requests_in_flight", &[])
        };
        until("nothing is under way", || open() == 0.0).await;
    }

    pub(super) async fn number(&self, query: &str) -> i64 {
        let row = sqlx::query(query).fetch_one(self.database.pool()).await;
        row.unwrap().try_get(0).unwrap()
    }

    pub(super) async fn execute(&self, statement: &str) {
        let done = sqlx::query(statement).execute(self.database.pool()).await;
        done.unwrap();
    }
}

/// Waits until something holds.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("never: {what}"));
}
