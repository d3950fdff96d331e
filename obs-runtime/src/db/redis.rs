//! `redis`: connections whose commands are counted.

use std::borrow::Cow;
use std::fmt;

use ::redis::aio::ConnectionLike;
use ::redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, ServerError, Value};
use tracing::Instrument;

use super::observer::{Failure, Running};
use super::{Observer, Operation};
use crate::label::Label;
use crate::start::Obs;

impl Obs {
    /// Wraps a connection of `redis`, so that its commands are counted, timed and in spans.
    ///
    /// `name` is the label `pool`. Connections of the same name are counted together.
    ///
    /// # Example
    /// ```standalone_crate
    /// use obs_runtime as obs;
    /// use redis::AsyncCommands;
    ///
    /// #[derive(obs::Label, Clone, Copy)]
    /// enum Cache {
    ///     Sessions,
    /// }
    ///
    /// async fn visit(obs: &obs::Obs, client: &redis::Client) -> redis::RedisResult<u64> {
    ///     let connection = client.get_multiplexed_async_connection().await?;
    ///     let mut connection = obs.redis(Cache::Sessions, connection);
    ///     connection.incr("visits", 1).await
    /// }
    /// # fn main() {}
    /// ```
    pub fn redis<L: Label, C: ConnectionLike>(&self, name: L, connection: C) -> RedisConnection<C> {
        let database = connection.get_db().to_string();
        RedisConnection {
            connection,
            observer: self.database(name, "redis").namespace(database),
        }
    }
}

/// A `redis` connection whose commands are counted, timed and in spans; [`Obs::redis`] makes it.
///
/// It is a `redis::aio::ConnectionLike` around any other (`MultiplexedConnection`,
/// `ConnectionManager`), so `redis::AsyncCommands`, `cmd(..)`, pipelines and scripts stay as they
/// are written; and `Clone` where that is.
///
/// # What is counted
/// Each command once, by its name; a pipeline is one operation, `pipeline`, or `multi` if it is
/// atomic. An error that the server answers is an `error`, also one inside of a pipeline. A key
/// that is not there is `ok`. Commands that wait by themselves (`BLPOP`) take the time they wait.
///
/// # What is not
/// Subscriptions, and what is a method of `MultiplexedConnection` and not of `ConnectionLike`: use
/// [`inner`](Self::inner) or [`inner_mut`](Self::inner_mut). Connections that block their thread:
/// use [`Observer::observe_blocking`]. What `Check::redis_connection` asks.
///
/// # Example
/// ```no_run
/// # use obs_runtime::db::{Operation, RedisConnection};
/// # use redis::aio::MultiplexedConnection;
/// # async fn f(cache: RedisConnection<MultiplexedConnection>) -> redis::RedisResult<()> {
/// let mut connection = cache.inner().clone();
/// let subscribed = connection.subscribe("orders");
/// cache.observer().observe(Operation::Subscribe, subscribed).await
/// # }
/// ```
#[derive(Clone)]
pub struct RedisConnection<C> {
    connection: C,
    observer: Observer,
}

impl<C> RedisConnection<C> {
    /// Says in spans where the server is: `server.address` and `server.port`.
    #[must_use]
    pub fn server(mut self, address: impl Into<String>, port: u16) -> Self {
        self.observer = self.observer.server(address, port);
        self
    }

    /// Returns the connection inside. What goes through it is not counted.
    pub const fn inner(&self) -> &C {
        &self.connection
    }

    /// Returns the connection inside. What goes through it is not counted.
    pub const fn inner_mut(&mut self) -> &mut C {
        &mut self.connection
    }

    /// Returns what counts under this connection's name, for calls that cannot be wrapped.
    pub const fn observer(&self) -> &Observer {
        &self.observer
    }
}

impl<C> fmt::Debug for RedisConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection")
            .field("observer", &self.observer)
            .finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Send> ConnectionLike for RedisConnection<C> {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let running = self.observer.begin(operation(cmd), None);
            let answer = self.connection.req_packed_command(cmd);
            let result = answer.instrument(running.span()).await;
            end(running, &result, |value| error_in(value, 0));
            result
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let operation = if pipeline.is_transaction() {
                Operation::Multi
            } else {
                Operation::Pipeline
            };
            let running = self.observer.begin(operation, Some(pipeline.len()));
            let connection = &mut self.connection;
            let answers = connection.req_packed_commands(pipeline, offset, count);
            let result = answers.instrument(running.span()).await;
            end(running, &result, |values| {
                // The answers of a transaction are in that of its EXEC.
                values.iter().find_map(|value| error_in(value, 1))
            });
            result
        })
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}

fn operation(cmd: &Cmd) -> Operation {
    match cmd.args_iter().next() {
        Some(Arg::Simple(name)) => Operation::find(name),
        _ => Operation::Other,
    }
}

fn end<T>(
    running: Running,
    result: &Result<T, RedisError>,
    answered: impl FnOnce(&T) -> Option<&ServerError>,
) {
    match result {
        Ok(value) => running.end(answered(value).map(|error| of_code(error.code()))),
        Err(error) => running.end(Some(failure(error))),
    }
}

/// The error that the server answered, if it did. It is a value until the caller asks for its own
/// type.
fn error_in(value: &Value, depth: usize) -> Option<&ServerError> {
    match value {
        Value::ServerError(error) => Some(error),
        Value::Array(values) if depth > 0 => {
            values.iter().find_map(|value| error_in(value, depth - 1))
        }
        _ => None,
    }
}

/// The codes of Redis itself. A script may answer any word, which may be a value.
const CODES: &[&str] = &[
    "ERR",
    "ASK",
    "BUSY",
    "BUSYGROUP",
    "BUSYKEY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "DENIED",
    "EXECABORT",
    "INPROG",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOGOODSLAVE",
    "NOGROUP",
    "NOPERM",
    "NOREPLICAS",
    "NOSCRIPT",
    "NOSUB",
    "NOTBUSY",
    "NOPROTO",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNBLOCKED",
    "UNKILLABLE",
    "WRONGPASS",
    "WRONGTYPE",
];

fn of_code(code: &str) -> Failure<'static> {
    let known = CODES.iter().find(|known| **known == code);
    Failure {
        kind: Cow::Borrowed(known.copied().unwrap_or("_OTHER")),
        code: known.map(|known| Cow::Borrowed(*known)),
    }
}

/// What a span says about an error.
pub(super) fn failure(error: &RedisError) -> Failure<'static> {
    if let Some(code) = error.code() {
        return of_code(code);
    }
    let kind = match error.kind() {
        _ if error.is_timeout() => "timeout",
        ErrorKind::Io => "io",
        ErrorKind::Parse => "parse",
        ErrorKind::AuthenticationFailed => "authentication_failed",
        ErrorKind::UnexpectedReturnType => "unexpected_return_type",
        ErrorKind::InvalidClientConfig => "invalid_client_config",
        ErrorKind::Client => "client",
        ErrorKind::Extension => "extension",
        ErrorKind::Server(_) => "server",
        _ => "_OTHER",
    };
    Failure {
        kind: Cow::Borrowed(kind),
        code: None,
    }
}

#[cfg(test)]
mod tests {
    use super::{error_in, of_code};
    use redis::Value;

    #[test]
    fn b1_the_word_of_a_script_is_in_no_span() {
        assert_eq!(of_code("WRONGTYPE").code.as_deref(), Some("WRONGTYPE"));
        let scripted = of_code("customer-4711");
        assert_eq!((&*scripted.kind, scripted.code), ("_OTHER", None));
    }

    #[test]
    fn an_array_that_is_nested_deeply_is_not_searched() {
        let mut value = Value::Nil;
        for _ in 0..10_000 {
            value = Value::Array(vec![value]);
        }
        assert!(error_in(&value, 1).is_none());
        // Dropping it would recurse as deep.
        while let Value::Array(mut values) = value {
            value = values.pop().unwrap_or(Value::Nil);
        }
    }
}
