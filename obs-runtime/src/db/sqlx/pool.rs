//! A pool whose queries are counted.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Weak};

use ::sqlx::pool::PoolConnection as RawConnection;
use ::sqlx::{Database, Describe, Either, Error, Execute, Executor};
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;

use super::connection::{PoolConnection, Transaction};
use super::rows::Rows;
use crate::db::families::{Connections, Sizes};
use crate::db::{Observer, Operation};
use crate::label::Label;
use crate::start::Obs;

impl Obs {
    /// Wraps a pool of `sqlx`, so that its queries are counted, timed and in spans.
    ///
    /// `name` is the label `pool`. Pools of the same name are counted together. An `AnyPool` is in
    /// spans what its URL says it is.
    ///
    /// # Example
    /// ```standalone_crate
    /// use obs_runtime as obs;
    ///
    /// #[derive(obs::Label, Clone, Copy)]
    /// enum Db {
    ///     Main,
    /// }
    ///
    /// async fn orders<DB>(obs: &obs::Obs, pool: sqlx::Pool<DB>) -> Result<u64, sqlx::Error>
    /// where
    ///     DB: sqlx::Database,
    ///     for<'c> &'c mut DB::Connection: sqlx::Executor<'c, Database = DB>,
    ///     for<'q> DB::Arguments<'q>: sqlx::IntoArguments<'q, DB>,
    /// {
    ///     let pool = obs.sqlx_pool(Db::Main, pool);
    ///     let orders = sqlx::query("SELECT id FROM orders").fetch_all(&pool).await?;
    ///     let mut tx = pool.begin().await?;
    ///     sqlx::query("DELETE FROM orders").execute(&mut *tx).await?;
    ///     tx.commit().await?;
    ///     Ok(orders.len() as u64)
    /// }
    /// # fn main() {}
    /// ```
    pub fn sqlx_pool<L: Label, DB: Database>(&self, name: L, pool: ::sqlx::Pool<DB>) -> Pool<DB> {
        let observer = self.database(name, super::system(&pool));
        let shared = Arc::new(Shared(pool));
        let connections: Weak<dyn Connections> = Arc::downgrade(&shared) as _;
        observer.cells().add_pool(connections);
        Pool { shared, observer }
    }
}

/// The pool of `sqlx`, kept alive by the service alone.
struct Shared<DB: Database>(::sqlx::Pool<DB>);

impl<DB: Database> Connections for Shared<DB> {
    fn now(&self) -> Sizes {
        let size = u64::from(self.0.size());
        // Both are read one after the other.
        let idle = (self.0.num_idle() as u64).min(size);
        Sizes {
            active: size - idle,
            idle,
            max: u64::from(self.0.options().get_max_connections()),
        }
    }
}

/// An `sqlx` pool whose queries are counted, timed and in spans; [`Obs::sqlx_pool`] makes it.
///
/// `&Pool` is an `sqlx::Executor`, so `sqlx::query(..).fetch_all(&pool)` stays as it is, as do
/// `query_as`, `query!`, `QueryBuilder`, `raw_sql`, [`begin`](Self::begin) and
/// [`acquire`](Self::acquire). What changes is the name of the type where it is written out:
/// `obs::db::Pool<Postgres>` for `PgPool`, and `&mut obs::db::Connection<'_, Postgres>` for
/// `&mut PgConnection`.
///
/// Cheap to clone.
///
/// # What is counted
/// Each statement once, when it has ended: a stream with its last row, or when it is dropped, which
/// is `cancelled`. A query that finds no row is `ok`, for `fetch_one` as well: the database did
/// what it was asked for. The pings by which `sqlx` tests its connections are part of the wait for
/// one.
///
/// # What is not
/// There is no `Deref` to the pool of `sqlx` and no `sqlx::Acquire`, because what goes that way
/// cannot be seen: the compiler points at such calls instead. Give them [`inner`](Self::inner), and
/// where they are to be counted, say what they are:
/// ```no_run
/// # use obs_runtime::db::{Operation, Pool};
/// # async fn refresh<DB: sqlx::Database>(raw: &sqlx::Pool<DB>) -> Result<(), sqlx::Error> { Ok(()) }
/// # async fn f<DB: sqlx::Database>(pool: &Pool<DB>) -> Result<(), sqlx::Error> {
/// // `sqlx::migrate!().run(pool.inner())`, `PgListener::connect_with(pool.inner())`, and so on.
/// let copied = pool.observer().observe(Operation::Copy, refresh(pool.inner())).await?;
/// # Ok(copied)
/// # }
/// ```
pub struct Pool<DB: Database> {
    shared: Arc<Shared<DB>>,
    observer: Observer,
}

impl<DB: Database> Pool<DB> {
    /// Says in spans which database of the server it is: `db.namespace`. Their names then have it
    /// instead of the pool's.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.observer = self.observer.namespace(namespace);
        self
    }

    /// Says in spans where the server is: `server.address` and `server.port`.
    #[must_use]
    pub fn server(mut self, address: impl Into<String>, port: u16) -> Self {
        self.observer = self.observer.server(address, port);
        self
    }

    /// Takes a connection out of the pool, waiting until there is one.
    ///
    /// The wait is in `db_client_connection_wait_seconds`; it is no operation.
    ///
    /// # Errors
    /// Those of `sqlx::Pool::acquire`.
    ///
    /// # Cancel safety
    /// That of `sqlx::Pool::acquire`. Dropped, it waits no more.
    pub fn acquire(
        &self,
    ) -> impl Future<Output = Result<PoolConnection<DB>, Error>> + Send + use<DB> {
        let pool = self.clone();
        async move {
            let connection = pool.wait().await?;
            Ok(PoolConnection::new(connection, pool.observer))
        }
    }

    /// Takes a connection that is idle now, if there is one.
    pub fn try_acquire(&self) -> Option<PoolConnection<DB>> {
        let connection = self.inner().try_acquire()?;
        Some(PoolConnection::new(connection, self.observer.clone()))
    }

    /// Takes a connection and begins a transaction on it: the operation `begin`.
    ///
    /// # Errors
    /// Those of `sqlx::Pool::begin`.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, Error> {
        self.begin_by(None).await
    }

    /// Takes a connection and begins a transaction with a statement such as `BEGIN IMMEDIATE`.
    ///
    /// # Errors
    /// Those of `sqlx::Pool::begin_with`.
    pub async fn begin_with(
        &self,
        statement: impl Into<Cow<'static, str>>,
    ) -> Result<Transaction<'static, DB>, Error> {
        self.begin_by(Some(statement.into())).await
    }

    async fn begin_by(
        &self,
        statement: Option<Cow<'static, str>>,
    ) -> Result<Transaction<'static, DB>, Error> {
        let begun = async {
            let connection = self.wait().await?;
            ::sqlx::Transaction::begin(connection, statement).await
        };
        let result = self.observer.observe(Operation::Begin, begun).await;
        Ok(Transaction::new(result?, self.observer.clone()))
    }

    /// Begins a transaction if a connection is idle now.
    ///
    /// # Errors
    /// Those of `sqlx::Pool::try_begin`.
    pub async fn try_begin(&self) -> Result<Option<Transaction<'static, DB>>, Error> {
        let Some(connection) = self.inner().try_acquire() else {
            return Ok(None);
        };
        let begun = ::sqlx::Transaction::begin(connection, None);
        let result = self.observer.observe(Operation::Begin, begun).await;
        Ok(Some(Transaction::new(result?, self.observer.clone())))
    }

    /// Waits for a connection, counted.
    async fn wait(&self) -> Result<RawConnection<DB>, Error> {
        let _waiting = self.observer.wait();
        self.inner().acquire().await
    }

    /// Closes the pool, and waits until its connections have come back.
    pub async fn close(&self) {
        self.inner().close().await;
    }

    /// Returns whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.inner().is_closed()
    }

    /// Returns the number of connections, idle ones included.
    pub fn size(&self) -> u32 {
        self.inner().size()
    }

    /// Returns the number of connections that nobody uses.
    pub fn num_idle(&self) -> usize {
        self.inner().num_idle()
    }

    /// Returns the pool of `sqlx`. What goes through it is not counted.
    pub fn inner(&self) -> &::sqlx::Pool<DB> {
        &self.shared.0
    }

    /// Returns what counts under this pool's name, for calls that cannot be wrapped.
    pub const fn observer(&self) -> &Observer {
        &self.observer
    }
}

impl<DB: Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            observer: self.observer.clone(),
        }
    }
}

/// So that a [`Check::sqlx`](crate::Check::sqlx) takes it; what the check asks is not counted.
impl<DB: Database> Borrow<::sqlx::Pool<DB>> for Pool<DB> {
    fn borrow(&self) -> &::sqlx::Pool<DB> {
        self.inner()
    }
}

impl<DB: Database> fmt::Debug for Pool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.observer.cells().name())
            .field("size", &self.size())
            .field("idle", &self.num_idle())
            .finish_non_exhaustive()
    }
}

impl<DB: Database> Executor<'_> for &Pool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let pool = self.clone();
        Box::pin(Rows::new(|giver| async move {
            let operation = Operation::of_sql(query.sql());
            let all = async {
                let mut connection = pool.wait().await?;
                let mut rows = (*connection).fetch_many(query);
                while let Some(row) = poll_fn(|cx| rows.as_mut().poll_next(cx)).await {
                    giver.give(row?).await;
                }
                Ok(())
            };
            pool.observer.observe(operation, all).await
        }))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        E: 'q + Execute<'q, DB>,
    {
        let pool = self.clone();
        Box::pin(async move {
            let operation = Operation::of_sql(query.sql());
            let one = async { pool.wait().await?.fetch_optional(query).await };
            pool.observer.observe(operation, one).await
        })
    }

    fn prepare_with<'e, 'q: 'e>(
        self,
        sql: &'q str,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement<'q>, Error>> {
        let pool = self.clone();
        Box::pin(async move {
            let prepared = async { pool.wait().await?.prepare_with(sql, parameters).await };
            pool.observer.observe(Operation::Prepare, prepared).await
        })
    }

    #[expect(single_use_lifetimes, reason = "they are those of the trait")]
    fn describe<'e, 'q: 'e>(self, sql: &'q str) -> BoxFuture<'e, Result<Describe<DB>, Error>> {
        let pool = self.clone();
        Box::pin(async move {
            let described = async { pool.wait().await?.describe(sql).await };
            pool.observer.observe(Operation::Describe, described).await
        })
    }
}
