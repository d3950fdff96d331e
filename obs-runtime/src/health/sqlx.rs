//! `Check::sqlx`: a connection of the pool answers a ping.

use std::borrow::Borrow;

use sqlx::{Connection, Database, Pool};

use super::check::Check;

impl Check {
    /// Checks that the pool hands out a connection, and that the database answers a ping on it.
    ///
    /// A pool without a free connection for the whole time limit has failed: such a service cannot
    /// answer either. An observed pool (`obs::db::Pool`) does as well as its own; what a check asks
    /// is not counted.
    ///
    /// # Example
    /// ```no_run
    /// # use obs_runtime::{Check, Obs};
    /// # fn ready<DB: sqlx::Database>(obs: &Obs, pool: &sqlx::Pool<DB>) {
    /// obs.ready("database", Check::sqlx(pool));
    /// # }
    /// ```
    pub fn sqlx<DB: Database>(pool: &impl Borrow<Pool<DB>>) -> Self {
        let pool = pool.borrow().clone();
        Self::new(move || {
            let pool = pool.clone();
            async move { pool.acquire().await?.ping().await }
        })
    }
}
