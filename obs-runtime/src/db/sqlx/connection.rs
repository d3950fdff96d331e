//! Connections and transactions whose queries are counted.

use std::fmt;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};

use ::sqlx::pool::PoolConnection as RawConnection;
use ::sqlx::{Connection as _, Database, Describe, Either, Error, Execute, Executor};
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;

use super::rows::Rows;
use crate::db::{Observer, Operation};

/// A connection whose queries are counted: what `&mut *tx` and `&mut *connection` are.
///
/// `&mut Connection` is an `sqlx::Executor`. In the signature of a function it stands where
/// `&mut PgConnection` stood.
pub struct Connection<'c, DB: Database> {
    held: Held<'c, DB>,
    observer: Observer,
}

enum Held<'c, DB: Database> {
    Connection(RawConnection<DB>),
    Transaction(::sqlx::Transaction<'c, DB>),
}

impl<DB: Database> Connection<'_, DB> {
    /// Begins a transaction, or a savepoint inside of one.
    ///
    /// # Errors
    /// Those of `sqlx::Connection::begin`.
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, Error> {
        let operation = match self.held {
            Held::Connection(_) => Operation::Begin,
            Held::Transaction(_) => Operation::Savepoint,
        };
        let observer = self.observer.clone();
        let begun = self.inner().begin();
        let result = observer.observe(operation, begun).await;
        let mut transaction = Transaction::new(result?, observer);
        transaction.unended.is_savepoint = operation == Operation::Savepoint;
        Ok(transaction)
    }

    /// Returns the connection of `sqlx`. What goes through it is not counted.
    pub fn inner(&mut self) -> &mut DB::Connection {
        match &mut self.held {
            Held::Connection(connection) => connection,
            Held::Transaction(transaction) => transaction,
        }
    }

    /// Returns what counts under the pool's name, for calls that cannot be wrapped.
    pub const fn observer(&self) -> &Observer {
        &self.observer
    }
}

impl<DB: Database> fmt::Debug for Connection<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("pool", &self.observer.cells().name())
            .finish_non_exhaustive()
    }
}

/// A connection on loan from a [`Pool`](super::Pool); it goes back when it is dropped.
#[derive(Debug)]
pub struct PoolConnection<DB: Database> {
    connection: Connection<'static, DB>,
}

impl<DB: Database> PoolConnection<DB> {
    pub(super) const fn new(connection: RawConnection<DB>, observer: Observer) -> Self {
        Self {
            connection: Connection {
                held: Held::Connection(connection),
                observer,
            },
        }
    }
}

impl<DB: Database> Deref for PoolConnection<DB> {
    type Target = Connection<'static, DB>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for PoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

/// A transaction, or a savepoint inside of one, whose queries are counted.
///
/// `&mut *tx` is an `sqlx::Executor`. Its end is an operation: `commit` (of a savepoint:
/// `release`) or `rollback`.
///
/// # Cancel safety
/// Dropped without an end, `sqlx` rolls it back when the connection is used again. That counts as a
/// `rollback` that was `cancelled`.
#[derive(Debug)]
pub struct Transaction<'c, DB: Database> {
    connection: Connection<'c, DB>,
    unended: Unended,
}

/// Counts the rollback of a transaction that nobody ended.
#[derive(Debug)]
struct Unended {
    /// Taken by the end.
    observer: Option<Observer>,
    is_savepoint: bool,
}

impl Drop for Unended {
    fn drop(&mut self) {
        if let Some(observer) = self.observer.take() {
            observer.given_up(Operation::Rollback);
        }
    }
}

impl<'c, DB: Database> Transaction<'c, DB> {
    pub(super) fn new(transaction: ::sqlx::Transaction<'c, DB>, observer: Observer) -> Self {
        Self {
            unended: Unended {
                observer: Some(observer.clone()),
                is_savepoint: false,
            },
            connection: Connection {
                held: Held::Transaction(transaction),
                observer,
            },
        }
    }

    /// Commits the transaction, or releases the savepoint.
    ///
    /// # Errors
    /// Those of `sqlx::Transaction::commit`.
    ///
    /// # Cancel safety
    /// Dropped before its end, it counts as `cancelled`; whether the database has committed is not
    /// known.
    pub async fn commit(self) -> Result<(), Error> {
        let operation = if self.unended.is_savepoint {
            Operation::Release
        } else {
            Operation::Commit
        };
        self.end(operation).await
    }

    /// Rolls the transaction back, or goes back to the savepoint.
    ///
    /// # Errors
    /// Those of `sqlx::Transaction::rollback`.
    pub async fn rollback(self) -> Result<(), Error> {
        self.end(Operation::Rollback).await
    }

    async fn end(self, operation: Operation) -> Result<(), Error> {
        let Self {
            connection: Connection { held, observer },
            mut unended,
        } = self;
        unended.observer = None;
        let Held::Transaction(transaction) = held else {
            // Made around one of sqlx's, it holds that to its end.
            return Ok(());
        };
        let ended = async {
            if operation == Operation::Rollback {
                transaction.rollback().await
            } else {
                transaction.commit().await
            }
        };
        observer.observe(operation, ended).await
    }
}

impl<'c, DB: Database> Deref for Transaction<'c, DB> {
    type Target = Connection<'c, DB>;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}

impl<'t, DB: Database> Executor<'t> for &'t mut Connection<'_, DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let observer = self.observer.clone();
        let connection = self.inner();
        Box::pin(Rows::new(|giver| async move {
            let operation = Operation::of_sql(query.sql());
            let all = async {
                let mut rows = connection.fetch_many(query);
                while let Some(row) = poll_fn(|cx| rows.as_mut().poll_next(cx)).await {
                    giver.give(row?).await;
                }
                Ok(())
            };
            observer.observe(operation, all).await
        }))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        't: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let observer = self.observer.clone();
        let connection = self.inner();
        Box::pin(async move {
            let operation = Operation::of_sql(query.sql());
            let one = connection.fetch_optional(query);
            observer.observe(operation, one).await
        })
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement<'q>, Error>>
    where
        't: 'e,
    {
        let observer = self.observer.clone();
        let connection = self.inner();
        Box::pin(async move {
            let prepared = connection.prepare_with(sql, parameters);
            observer.observe(Operation::Prepare, prepared).await
        })
    }

    #[expect(single_use_lifetimes, reason = "they are those of the trait")]
    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        't: 'e,
    {
        let observer = self.observer.clone();
        let connection = self.inner();
        Box::pin(async move {
            let described = connection.describe(sql);
            observer.observe(Operation::Describe, described).await
        })
    }
}
