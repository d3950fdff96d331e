//! Where both services keep their data: `SQLite` by default, PostgreSQL by `DATABASE_URL`.
//!
//! The same statements run on both: parameters are `$1`, numbers `BIGINT` and `DOUBLE PRECISION`,
//! moments milliseconds since 1970, and everything else `TEXT`.

mod audit;
mod error;
mod moment;
mod schema;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, install_default_drivers};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _};

pub(crate) use audit::{Action, TABLE as AUDIT_TABLE, audit, purge_audit_rows};
pub(crate) use error::StorageError;
pub(crate) use moment::{now, rfc3339};
pub(crate) use schema::Schema;

use crate::telemetry::{Pool, Transaction, on_a_task};

/// How long a caller waits for a connection before it is told that there is none.
const ACQUIRE: Duration = Duration::from_secs(5);

/// How long a transaction, or a statement of its own, may take: a server that is frozen says nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Gives up work on the database that takes too long.
///
/// A transaction that is dropped is rolled back, unless its commit was on the way.
pub(crate) async fn in_time<T, E: From<StorageError>>(
    patience: Duration,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    // On the heap: a query is large, and it is here that all of them pass.
    let done = tokio::time::timeout(patience, Box::pin(work)).await;
    done.unwrap_or_else(|_| Err(StorageError::TimedOut.into()))
}

/// Where data is kept.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    /// A file of this directory.
    Directory(PathBuf),
    /// A PostgreSQL server; each service has a schema of its own there.
    Postgres(String),
}

impl Location {
    /// Understands `DATABASE_URL`; without one, data lies in the directory.
    pub(crate) fn of(url: Option<&str>, directory: &Path) -> Result<Self, StorageError> {
        match url {
            None => Ok(Self::Directory(directory.to_owned())),
            Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Ok(Self::Postgres(url.to_owned()))
            }
            Some(_) => Err(StorageError::Url),
        }
    }
}

/// The data of one service.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pool: Pool,
    begin_write: &'static str,
    schema: &'static Schema,
}

impl Database {
    /// Opens the data of a service, makes it if need be, and brings its schema up to date.
    ///
    /// `observe` is what makes an observed pool of an ordinary one.
    pub(crate) async fn open(
        location: &Location,
        schema: &'static Schema,
        connections: u32,
        observe: impl FnOnce(AnyPool) -> Pool,
    ) -> Result<Self, StorageError> {
        install_default_drivers();
        let (options, set_up, begin_write) = match location {
            Location::Directory(directory) => {
                std::fs::create_dir_all(directory).map_err(sqlx::Error::Io)?;
                let options = sqlite(&directory.join(schema.file))?;
                // WAL: readers go on while somebody writes. IMMEDIATE: a transaction that will
                // write waits for the others at its start, where waiting cannot fail.
                let set_up = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; \
                              PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON"
                    .to_owned();
                (options, set_up, "BEGIN IMMEDIATE")
            }
            Location::Postgres(url) => {
                let options: AnyConnectOptions = url.parse().map_err(|_| StorageError::Url)?;
                let name = schema.name;
                // What a caller gave up, or a dead process left behind, holds no locks for ever.
                let set_up = format!(
                    "SET search_path TO {name}; SET statement_timeout = '120s'; \
                     SET idle_in_transaction_session_timeout = '60s'"
                );
                schema::create(&options, name).await?;
                (options, set_up, "BEGIN")
            }
        };
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .after_connect(move |connection, _| {
                let set_up = set_up.clone();
                Box::pin(async move {
                    connection.execute(set_up.as_str()).await?;
                    Ok(())
                })
            })
            .after_release(|connection, _| Box::pin(is_usable(connection)))
            .connect_with(options)
            .await?;
        schema.migrate(&pool).await?;
        Ok(Self {
            pool: observe(pool),
            begin_write,
            schema,
        })
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The pool for what the service asks itself every second, which would fill every trace list.
    pub(crate) fn unobserved(&self) -> &AnyPool {
        self.pool.inner()
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction, StorageError> {
        let (pool, begin_write) = (self.pool.clone(), self.begin_write);
        // On a task of its own: sqlx gives a connection back with its transaction open, and the lock
        // that it holds, if whoever waits for it goes away at the wrong moment.
        let begun = on_a_task(async move { pool.begin_with(begin_write).await });
        let begun = begun.await.map_err(io::Error::other);
        Ok(begun.map_err(sqlx::Error::Io)??)
    }

    /// Says whether the schema is the one that this program was built with.
    pub(crate) async fn migrated(&self) -> Result<(), StorageError> {
        self.schema.applied(self.pool.inner()).await
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Says whether a connection that comes back can be given to the next.
///
/// `SQLite` rolls a transaction back by itself where the disk is full or fails. To `sqlx` it then is
/// still open, since there is nothing left that a `ROLLBACK` could end: no transaction could ever be
/// begun on that connection again, long after there is room.
async fn is_usable(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // Behind it, what a dropped transaction has asked for is done.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn sqlite(file: &Path) -> Result<AnyConnectOptions, StorageError> {
    let file = std::path::absolute(file).map_err(sqlx::Error::Io)?;
    // Through a URL, which percent-encodes what a path may hold and a URL may not.
    let url = reqwest::Url::from_file_path(&file).map_err(|()| StorageError::Url)?;
    let url = format!("sqlite:{}?mode=rwc", &url.as_str()["file:".len()..]);
    let options: AnyConnectOptions = url.parse().map_err(|_| StorageError::Url)?;
    Ok(options.disable_statement_logging())
}

#[cfg(test)]
mod tests;
