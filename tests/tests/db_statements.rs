//! What `sqlx` says about a slow statement is the statement: by default neither the log nor Sentry
//! gets it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use obs::Obs;
use obs_tests::lines::Written;
use obs_tests::sentry::SentryServer;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tower::ServiceExt;

#[derive(obs::Label, Clone, Copy)]
enum Db {
    Main,
}

// One test, because there is one process.
#[test]
fn no_statement_is_in_the_log_or_in_sentry_by_default() {
    let sentry = SentryServer::start();
    let written = Written::default();
    let variables = [
        ("OBS_ENV", "dev"),
        ("RUST_LOG", "trace"),
        ("SENTRY_DSN", sentry.dsn()),
    ];
    let obs = Obs::from_vars(obs::service!(), variables)
        .unwrap()
        .log_writer(written.clone())
        .install()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .in_memory(true)
            .log_statements(log::LevelFilter::Info)
            // Everything is slow.
            .log_slow_statements(log::LevelFilter::Warn, Duration::ZERO);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await;
        let pool = obs.sqlx_pool(Db::Main, pool.unwrap());
        let handler = async move || {
            let statement = "SELECT 'planted in a statement' AS planted_column";
            sqlx::query(statement).fetch_all(&pool).await.unwrap();
            // PostgreSQL's driver says it within the request, SQLite's on a thread of its own.
            let planted = "SELECT 'planted in a statement'";
            tracing::warn!(target: "sqlx::query", { db.statement = planted }, "slow statement");
            tracing::warn!("control: breadcrumb");
            tracing::error!("control: event");
        };
        let app = obs.wrap(Router::new().route("/x", get(handler)));
        let request = Request::get("/x").body(Body::empty()).unwrap();
        app.oneshot(request).await.unwrap();
    });
    let _losses = obs.flush(Duration::from_secs(10));
    let (lines, events) = (written.text(), sentry.text());
    for sink in [&lines, &events] {
        assert!(sink.contains("control: event"), "{sink}");
        assert!(sink.contains("control: breadcrumb"), "{sink}");
        assert!(!sink.contains("planted"), "{sink}");
    }
}
