//! `Check::redis`: the server answers PING.

use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Client, RedisError};

use super::check::Check;
use crate::db::quietly;

impl Check {
    /// Checks that the server answers PING, on a connection that the check keeps for itself.
    ///
    /// The connection is made by the first check, and made anew after every failure.
    ///
    /// # Example
    /// ```no_run
    /// # use obs_runtime::{Check, Obs};
    /// # fn ready(obs: &Obs, client: &redis::Client) {
    /// obs.ready("redis", Check::redis(client));
    /// # }
    /// ```
    pub fn redis(client: &Client) -> Self {
        let client = client.clone();
        let kept = Arc::new(Mutex::new(None::<MultiplexedConnection>));
        Self::new(move || {
            let client = client.clone();
            let kept = Arc::clone(&kept);
            async move {
                // Taken, so that one that fails, or hangs until the time is over, is not kept.
                let connection = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut connection = match connection {
                    Some(connection) => connection,
                    None => client.get_multiplexed_async_connection().await?,
                };
                ping(&mut connection).await?;
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
                Ok::<(), RedisError>(())
            }
        })
    }

    /// Checks that the server answers PING on a connection that the service has: a
    /// `ConnectionManager` or a `MultiplexedConnection`, observed or not. What a check asks is not
    /// counted.
    pub fn redis_connection<C>(connection: &C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        let connection = connection.clone();
        Self::new(move || {
            let mut connection = connection.clone();
            async move { quietly(ping(&mut connection)).await }
        })
    }
}

async fn ping(connection: &mut impl ConnectionLike) -> Result<(), RedisError> {
    let ping = redis::cmd("PING");
    // An error that the server answers with is a value here.
    connection
        .req_packed_command(&ping)
        .await?
        .extract_error()
        .map(drop)
}
