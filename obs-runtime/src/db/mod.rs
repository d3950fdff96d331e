//! Databases: pools and connections that are wrapped once, and observed at every call.
//!
//! With feature `sqlx`, `Obs::sqlx_pool` wraps a pool of `sqlx`; with feature `redis`,
//! `Obs::redis` wraps a connection of `redis`. Queries stay as they are written. Everything else
//! is one call each through an [`Observer`].
//!
//! | family | labels | |
//! |---|---|---|
//! | `db_client_operations_total` | pool, operation, outcome | `ok`, `error`, `cancelled` (the caller stopped waiting) |
//! | `db_client_operation_duration_seconds` | pool, operation | as the caller sees it, the wait for a connection included |
//! | `db_client_connections` | pool, state | `active`, `idle`; `waiting`: tasks that wait for one |
//! | `db_client_connections_max` | pool | |
//! | `db_client_connection_wait_seconds` | pool | whether or not there was one in the end |
//!
//! # Cardinality
//! `pool` is a [`Label`], `operation` an [`Operation`]: both are closed. A series
//! is there once its pool has seen its operation.
//!
//! # Spans
//! Each operation is a client span by the OpenTelemetry conventions for databases: name
//! `SELECT main`, `db.system.name`, `db.operation.name`, `db.namespace`, `server.address`,
//! `error.type`, `db.response.status_code`. They have the target `obs::db`, and are not made where
//! only the log would get them.
//!
//! No statement, parameter, key or value, nor the message of an error, is in a label or a span.

mod families;
mod observer;
mod operation;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlx")]
mod sqlx;

pub use observer::Observer;
pub use operation::Operation;
#[cfg(feature = "redis")]
pub use redis::RedisConnection;
#[cfg(feature = "sqlx")]
pub use sqlx::{Connection, Pool, PoolConnection, Transaction};

pub(crate) use families::{Databases, NAMES};
#[cfg(feature = "redis")]
pub(crate) use observer::quietly;

use crate::label::{Label, clamp};
use crate::start::Obs;

impl Obs {
    /// Observes a database that nothing here wraps, call by call; see [`Observer`].
    ///
    /// `system` is the `db.system.name` of its spans, as the OpenTelemetry conventions have it:
    /// `mongodb`, `clickhouse`.
    pub fn database<L: Label>(&self, name: L, system: &'static str) -> Observer {
        let name = L::VALUES
            .get(clamp(name.index(), L::VALUES.len()))
            .copied()
            .unwrap_or("other");
        Observer::new(self.databases().pool(name), system)
    }
}
