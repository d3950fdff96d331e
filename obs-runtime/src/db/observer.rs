//! One database under one name: what is counted, and the span of each operation.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::Operation;
use super::families::{Outcome, PoolCells};
use crate::call::contained;
use crate::clock::Stopwatch;

/// Counts operations under one pool name, and opens their spans.
///
/// The observed pools and connections have one inside. By itself it is for what they cannot wrap:
/// `COPY`, migrations, a listener, a client of another database. [`Obs::database`](crate::Obs::database)
/// makes one.
///
/// Cheap to clone.
///
/// # Example
/// ```standalone_crate
/// use obs_runtime as obs;
/// use obs::db::Operation;
///
/// #[derive(obs::Label, Clone, Copy)]
/// enum Store {
///     Documents,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// # async fn find() -> Result<u32, std::io::Error> { Ok(1) }
/// let documents = obs.database(Store::Documents, "mongodb");
/// let found = documents.observe(Operation::Select, find()).await?;
/// assert_eq!(found, 1);
/// let page = obs.scrape(obs::Format::Text);
/// assert!(page.contains(
///     r#"db_client_operations_total{pool="documents",operation="select",outcome="ok"} 1"#
/// ));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Observer {
    cells: Arc<PoolCells>,
    target: Arc<Target>,
}

/// What the spans say about the database.
#[derive(Clone, Debug)]
struct Target {
    system: &'static str,
    namespace: Option<String>,
    address: Option<String>,
    port: Option<u16>,
}

impl Observer {
    pub(super) fn new(cells: Arc<PoolCells>, system: &'static str) -> Self {
        let target = Target {
            system,
            namespace: None,
            address: None,
            port: None,
        };
        Self {
            cells,
            target: Arc::new(target),
        }
    }

    /// Says in spans which database of the server it is: `db.namespace`.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.target).namespace = Some(namespace.into());
        self
    }

    /// Says in spans where the server is: `server.address` and `server.port`.
    pub fn server(mut self, address: impl Into<String>, port: u16) -> Self {
        let target = Arc::make_mut(&mut self.target);
        target.address = Some(address.into());
        target.port = Some(port);
        self
    }

    /// Runs a future as one operation: counted once with its outcome, timed, in a span.
    ///
    /// # Errors
    /// Those of the future.
    ///
    /// # Cancel safety
    /// That of the future; dropped before its end, it counts as `cancelled`. Never polled, it
    /// counts nothing.
    pub async fn observe<T, E: 'static>(
        &self,
        operation: Operation,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let running = self.begin(operation, None);
        let result = future.instrument(running.span()).await;
        running.end(result.as_ref().err().map(Failure::of_any));
        result
    }

    /// Runs a closure as one operation: for clients that block their thread.
    ///
    /// # Errors
    /// Those of the closure.
    ///
    /// # Panics
    /// If the closure does; it then counts as `cancelled`.
    pub fn observe_blocking<T, E: 'static>(
        &self,
        operation: Operation,
        call: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let running = self.begin(operation, None);
        let result = running.span().in_scope(call);
        running.end(result.as_ref().err().map(Failure::of_any));
        result
    }

    /// Begins an operation. `batch` is how many commands it is made of, if it is a batch.
    pub(super) fn begin(&self, operation: Operation, batch: Option<usize>) -> Running {
        let mut running = Running {
            observer: (!QUIET.get()).then(|| self.clone()),
            operation,
            watch: Stopwatch::start(),
            span: Span::none(),
        };
        if running.observer.is_some() {
            // The operation counts, whatever becomes of its span.
            contained(|| running.span = self.span(operation, batch));
        }
        running
    }

    /// The span of an operation, by the OpenTelemetry conventions for database clients.
    fn span(&self, operation: Operation, batch: Option<usize>) -> Span {
        let target = &*self.target;
        // Made only where somebody wants the span.
        let name = Upper(operation);
        let of = target.namespace.as_deref().unwrap_or(self.cells.name());
        tracing::info_span!(
            target: "obs::db",
            "db",
            otel.name = %format_args!("{name} {of}"),
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = target.system,
            db.operation.name = %name,
            db.operation.batch.size = batch,
            db.namespace = target.namespace.as_deref(),
            db.client.connection.pool.name = self.cells.name(),
            server.address = target.address.as_deref(),
            server.port = target.port.map(i64::from),
            db.response.status_code = Empty,
            error.type = Empty,
        )
    }

    /// Counts an operation that took no time of its own.
    #[cfg(feature = "sqlx")]
    pub(super) fn given_up(&self, operation: Operation) {
        self.cells.count(operation, Outcome::Cancelled, 0);
    }

    #[cfg(feature = "sqlx")]
    pub(super) fn wait(&self) -> Waiting {
        self.cells.wait_began();
        Waiting {
            cells: Arc::clone(&self.cells),
            watch: Stopwatch::start(),
        }
    }

    #[cfg(feature = "sqlx")]
    pub(super) fn cells(&self) -> &PoolCells {
        &self.cells
    }
}

/// A name as it stands in a span: `SELECT`.
struct Upper(Operation);

impl std::fmt::Display for Upper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;
        let mut letters = self.0.as_str().chars();
        letters.try_for_each(|letter| f.write_char(letter.to_ascii_uppercase()))
    }
}

/// One operation from its begin to its end.
///
/// # Cancel safety
/// Dropping it counts `cancelled`.
#[derive(Debug)]
#[must_use = "dropping it counts the operation as cancelled"]
pub(super) struct Running {
    /// Taken by the end. `None` from the start where nothing is counted.
    observer: Option<Observer>,
    operation: Operation,
    watch: Stopwatch,
    span: Span,
}

impl Running {
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Ends the operation, with what went wrong if anything did.
    pub(super) fn end(mut self, failure: Option<Failure<'_>>) {
        match failure {
            None => self.record(Outcome::Ok),
            Some(failure) => {
                contained(|| {
                    self.span.record("otel.status_code", "ERROR");
                    self.span.record("error.type", &*failure.kind);
                    if let Some(code) = &failure.code {
                        self.span.record("db.response.status_code", &**code);
                    }
                });
                self.record(Outcome::Error);
            }
        }
    }

    /// Must not panic: runs in `Drop`.
    fn record(&mut self, outcome: Outcome) {
        if let Some(observer) = self.observer.take() {
            let nanos = self.watch.nanos();
            observer.cells.count(self.operation, outcome, nanos);
            // Closing a span is the subscriber's code, and happens here at the latest.
            let span = std::mem::replace(&mut self.span, Span::none());
            contained(|| drop(span));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.observer.is_some() {
            // Whoever stopped waiting decided so: the status is not that of a failure.
            contained(|| {
                self.span.record("error.type", "cancelled");
            });
            self.record(Outcome::Cancelled);
        }
    }
}

/// A task that waits for a connection.
///
/// # Cancel safety
/// Dropping it ends the wait, however it ended.
#[cfg(feature = "sqlx")]
#[derive(Debug)]
pub(super) struct Waiting {
    cells: Arc<PoolCells>,
    watch: Stopwatch,
}

#[cfg(feature = "sqlx")]
impl Drop for Waiting {
    fn drop(&mut self) {
        self.cells.wait_ended(self.watch.nanos());
    }
}

/// What a span says about an error. Never a message: those hold values.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    /// One of a small set.
    pub(super) kind: Cow<'a, str>,
    /// The code that the database answered.
    pub(super) code: Option<Cow<'a, str>>,
}

impl<'a> Failure<'a> {
    fn of_any<E: 'static>(error: &'a E) -> Self {
        let any: &dyn Any = error;
        #[cfg(feature = "sqlx")]
        if let Some(error) = any.downcast_ref::<::sqlx::Error>() {
            return super::sqlx::failure(error);
        }
        #[cfg(feature = "redis")]
        if let Some(error) = any.downcast_ref::<::redis::RedisError>() {
            return super::redis::failure(error);
        }
        let _ = any;
        Failure {
            kind: Cow::Borrowed(type_name::<E>()),
            code: None,
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs a future whose operations are not counted: that of a health check.
#[cfg(feature = "redis")]
pub(crate) async fn quietly<T>(future: impl Future<Output = T>) -> T {
    struct Quiet(bool);

    impl Drop for Quiet {
        fn drop(&mut self) {
            QUIET.set(self.0);
        }
    }

    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        let _quiet = Quiet(QUIET.replace(true));
        future.as_mut().poll(cx)
    })
    .await
}
