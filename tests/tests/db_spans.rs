//! The spans of databases, as a subscriber that exports them sees them, and what must not be seen
//! anywhere: statements, parameters, keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Once;

use obs::db::Operation;
use obs::{Format, LogFilter, Obs};
use redis::aio::ConnectionLike;
use redis::{AsyncCommands, Cmd, Pipeline, RedisFuture, Value};
use sqlx::sqlite::SqlitePoolOptions;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

type Fields = BTreeMap<String, String>;

#[derive(Debug, Default)]
struct Seen {
    /// Those of `obs::db`, in the order of their making; `parent` is the name of the span around.
    spans: Vec<(u64, Fields)>,
    closed: usize,
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::default();
}

struct Recorder;

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S> Layer<S> for Recorder
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context
            .span(id)
            .filter(|span| span.metadata().target() == "obs::db")
        else {
            return;
        };
        let mut fields = Fields::new();
        attributes.record(&mut Into(&mut fields));
        if let Some(parent) = span.parent() {
            fields.insert("parent".to_owned(), parent.name().to_owned());
        }
        SEEN.with_borrow_mut(|seen| seen.spans.push((id.into_u64(), fields)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        SEEN.with_borrow_mut(|seen| {
            let span = seen
                .spans
                .iter_mut()
                .rev()
                .find(|(known, _)| *known == id.into_u64());
            if let Some((_, fields)) = span {
                values.record(&mut Into(fields));
            }
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if context
            .metadata(&id)
            .is_some_and(|it| it.target() == "obs::db")
        {
            SEEN.with_borrow_mut(|seen| seen.closed += 1);
        }
    }
}

fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::registry().with(Recorder);
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    SEEN.take();
}

/// The spans since the last time.
fn spans() -> Vec<Fields> {
    let seen = SEEN.take();
    seen.spans.into_iter().map(|(_, fields)| fields).collect()
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[derive(obs::Label, Clone, Copy)]
enum Store {
    Main,
    Cache,
}

fn detached() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .detached()
        .unwrap()
}

async fn raw() -> sqlx::Pool<sqlx::Sqlite> {
    let options = SqlitePoolOptions::new().max_connections(1);
    options.connect("sqlite::memory:").await.unwrap()
}

#[tokio::test]
async fn a_query_is_a_client_span_by_the_conventions_under_the_span_around_it() {
    install();
    let obs = detached();
    let pool = obs.sqlx_pool(Store::Main, raw().await);
    let around = tracing::info_span!("around");
    let query = sqlx::query("SELECT 1 WHERE 'secret' = ?").bind("secret");
    query.fetch_all(&pool).instrument(around).await.unwrap();
    let common = [
        ("otel.name", "SELECT main"),
        ("otel.kind", "client"),
        ("db.system.name", "sqlite"),
        ("db.operation.name", "SELECT"),
        ("db.client.connection.pool.name", "main"),
        ("parent", "around"),
    ];
    assert_eq!(spans(), [fields(&common)]);

    let pool = pool.namespace("shop").server("db.internal", 5432);
    sqlx::query("SELECT 1").fetch_one(&pool).await.unwrap();
    let named = [
        ("otel.name", "SELECT shop"),
        ("otel.kind", "client"),
        ("db.system.name", "sqlite"),
        ("db.operation.name", "SELECT"),
        ("db.namespace", "shop"),
        ("db.client.connection.pool.name", "main"),
        ("server.address", "db.internal"),
        ("server.port", "5432"),
    ];
    assert_eq!(spans(), [fields(&named)]);
}

#[tokio::test]
async fn an_error_is_its_code_and_never_its_message() {
    install();
    let obs = detached();
    let pool = obs.sqlx_pool(Store::Main, raw().await);
    sqlx::query("CREATE TABLE t (n INTEGER PRIMARY KEY)")
        .execute(&pool)
        .await
        .unwrap();
    spans();
    for _ in 0..2 {
        let insert = sqlx::query("INSERT INTO t VALUES (4711)").execute(&pool);
        drop(insert.await);
    }
    let [ok, failed] = spans().try_into().unwrap();
    assert!(!ok.contains_key("otel.status_code"), "{ok:?}");
    assert!(!ok.contains_key("error.type"), "{ok:?}");
    assert_eq!(failed["otel.status_code"], "ERROR");
    // SQLITE_CONSTRAINT_PRIMARYKEY.
    assert_eq!(failed["error.type"], "1555");
    assert_eq!(failed["db.response.status_code"], "1555");
    assert!(!format!("{ok:?}{failed:?}").contains("4711"));

    // A row that is not there is an answer.
    let none = sqlx::query("SELECT n FROM t WHERE n = 1")
        .fetch_one(&pool)
        .await;
    assert!(none.is_err());
    let [answered] = spans().try_into().unwrap();
    assert!(!answered.contains_key("otel.status_code"), "{answered:?}");

    pool.close().await;
    assert!(sqlx::query("SELECT 1").fetch_one(&pool).await.is_err());
    let [closed] = spans().try_into().unwrap();
    assert_eq!(closed["error.type"], "pool_closed");
    assert!(!closed.contains_key("db.response.status_code"));
}

#[tokio::test]
async fn a_transaction_has_a_span_for_each_of_its_steps_and_a_dropped_query_says_so() {
    install();
    let obs = detached();
    let pool = obs.sqlx_pool(Store::Main, raw().await);
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("SELECT 1").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let names: Vec<String> = spans()
        .iter()
        .map(|span| span["otel.name"].clone())
        .collect();
    assert_eq!(names, ["BEGIN main", "SELECT main", "COMMIT main"]);

    let taken = pool.acquire().await.unwrap();
    assert!(spans().is_empty(), "a wait is no operation");
    {
        let mut query = std::pin::pin!(sqlx::query("SELECT 1").fetch_all(&pool));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(query.as_mut().poll(&mut cx).is_pending());
    }
    let [cancelled] = spans().try_into().unwrap();
    assert_eq!(cancelled["error.type"], "cancelled");
    assert!(!cancelled.contains_key("otel.status_code"));
    drop(taken);
}

#[derive(Clone)]
struct Server;

impl ConnectionLike for Server {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let packed = cmd.get_packed_command();
        let answer = if String::from_utf8_lossy(&packed).contains("EVALSHA") {
            "-customer:4711 has no credit\r\n"
        } else {
            "-WRONGTYPE of customer:4711\r\n"
        };
        let value = redis::parse_redis_value(answer.as_bytes());
        Box::pin(async move { value })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        _: &'a Pipeline,
        _: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move { Ok(vec![Value::Okay; count]) })
    }

    fn get_db(&self) -> i64 {
        3
    }
}

#[tokio::test]
async fn a_redis_command_is_a_client_span_without_its_key() {
    install();
    let obs = detached();
    let mut cache = obs
        .redis(Store::Cache, Server)
        .server("cache.internal", 6379);
    assert!(cache.get::<_, Value>("customer:4711").await.is_err());
    let of_get = [
        ("otel.name", "GET 3"),
        ("otel.kind", "client"),
        ("otel.status_code", "ERROR"),
        ("db.system.name", "redis"),
        ("db.operation.name", "GET"),
        ("db.namespace", "3"),
        ("db.client.connection.pool.name", "cache"),
        ("db.response.status_code", "WRONGTYPE"),
        ("error.type", "WRONGTYPE"),
        ("server.address", "cache.internal"),
        ("server.port", "6379"),
    ];
    // Elsewhere the thread of SQLite has the span for a while.
    assert_eq!(SEEN.with_borrow(|seen| seen.closed), 1);
    assert_eq!(spans(), [fields(&of_get)]);
    // The first word of a script's error is whatever the script says.
    let script = redis::cmd("EVALSHA")
        .arg("x")
        .query_async::<Value>(&mut cache)
        .await;
    assert!(script.is_err());
    let [script] = spans().try_into().unwrap();
    assert_eq!(script["error.type"], "_OTHER");
    assert!(!format!("{script:?}").contains("4711"));

    let mut pipeline = redis::pipe();
    pipeline.set("a", 1).set("customer:4711", 2);
    pipeline.exec_async(&mut cache).await.unwrap();
    let [batch] = spans().try_into().unwrap();
    assert_eq!(batch["otel.name"], "PIPELINE 3");
    assert_eq!(batch["db.operation.batch.size"], "2");
    assert!(!format!("{batch:?}").contains("4711"));
}

#[tokio::test]
async fn an_error_of_another_kind_is_its_type() {
    install();
    let obs = detached();
    let observer = obs.database(Store::Main, "mongodb");
    let failed = observer.observe(Operation::Select, async {
        Err::<(), _>(std::io::Error::other("secret"))
    });
    failed.await.unwrap_err();
    let [span] = spans().try_into().unwrap();
    assert_eq!(span["db.system.name"], "mongodb");
    assert!(span["error.type"].ends_with("io::error::Error"), "{span:?}");
    assert!(!format!("{span:?}").contains("secret"));
    assert!(!obs.scrape(Format::Text).contains("secret"));
}

/// Counts what gets through the filter of the log.
struct Through;

thread_local! {
    static THROUGH: RefCell<(usize, usize)> = RefCell::default();
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Through {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        THROUGH.with_borrow_mut(|(spans, _)| *spans += 1);
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        THROUGH.with_borrow_mut(|(_, events)| *events += 1);
    }
}

/// What of a span of `obs::db` and of a slow statement gets through.
fn through(filter: LogFilter) -> (usize, usize) {
    THROUGH.take();
    let subscriber = tracing_subscriber::registry().with(Through.with_filter(filter));
    tracing::subscriber::with_default(subscriber, || {
        drop(tracing::info_span!(target: "obs::db", "db"));
        tracing::warn!(target: "sqlx::query", { db.statement = "SELECT 'secret'" }, "slow statement");
    });
    THROUGH.take()
}

#[test]
fn the_log_makes_no_span_and_shows_no_statement_unless_they_are_named() {
    install();
    for (variable, directives, events) in [
        ("LOG_LEVEL", "info", 0),
        ("LOG_LEVEL", "trace", 0),
        ("LOG_LEVEL", "warn", 0),
        ("RUST_LOG", "trace", 0),
        ("RUST_LOG", "warn,sqlx=debug", 0),
        ("RUST_LOG", ",", 0),
        ("RUST_LOG", "warn,sqlx::query=warn", 1),
        ("RUST_LOG", "sqlx::query=debug", 1),
        ("LOG_LEVEL", "info,sqlx::query=info", 1),
    ] {
        let variables = [("OBS_ENV", "dev"), (variable, directives)];
        let setup = Obs::from_vars(obs::service!(), variables).unwrap();
        let obs = setup.detached().unwrap();
        assert_eq!(
            through(obs.log_filter()),
            (0, events),
            "{variable}={directives}"
        );
    }
}
