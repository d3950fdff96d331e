//! The database and the cache, used as any service would use them.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use obs::Obs;
use obs::db::{Pool, RedisConnection};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use sqlx::Postgres;
use tokio::sync::OnceCell;

#[derive(obs::Label, Clone, Copy)]
pub(crate) enum Store {
    Ledger,
    Visits,
}

#[derive(Clone)]
pub(crate) struct Cache {
    pub(crate) obs: Obs,
    pub(crate) client: redis::Client,
    /// Made by the first who needs it.
    pub(crate) connection: OnceCell<RedisConnection<MultiplexedConnection>>,
}

pub(crate) fn ledger(pool: Pool<Postgres>) -> Router {
    Router::new()
        .route("/ledger/{id}", get(read))
        .route("/ledger/{id}/paid", get(pay))
        .route("/ledger/{id}/wrong", get(wrong))
        .route("/ledger/{id}/hangs", get(hangs))
        .with_state(pool)
}

pub(crate) fn visits(cache: Cache) -> Router {
    Router::new()
        .route("/visits/{id}", get(visit))
        .route("/visits/{id}/wrong", get(wrong_visit))
        .route("/visits/{id}/hangs", get(hanging_visit))
        .with_state(cache)
}

/// What the answer is, by whether it worked.
fn answer<T, E>(result: &Result<T, E>) -> StatusCode {
    if result.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::BAD_GATEWAY
    }
}

async fn read(State(pool): State<Pool<Postgres>>, Path(id): Path<i64>) -> StatusCode {
    let query = sqlx::query_scalar::<_, i64>("SELECT $1").bind(id);
    answer(&query.fetch_one(&pool).await)
}

async fn pay(State(pool): State<Pool<Postgres>>, Path(id): Path<i64>) -> StatusCode {
    let paid = async {
        let mut tx = pool.begin().await?;
        sqlx::query("CREATE TABLE IF NOT EXISTS ledger (id BIGINT)")
            .execute(&mut *tx)
            .await?;
        let insert = sqlx::query("INSERT INTO ledger VALUES ($1)").bind(id);
        insert.execute(&mut *tx).await?;
        tx.commit().await
    };
    answer(&paid.await)
}

async fn wrong(State(pool): State<Pool<Postgres>>, Path(id): Path<i64>) -> StatusCode {
    let query = sqlx::query("SELECT $1 / 0").bind(id);
    answer(&query.fetch_all(&pool).await)
}

async fn hangs(State(pool): State<Pool<Postgres>>) -> StatusCode {
    answer(&sqlx::query("SELECT pg_sleep(3600)").execute(&pool).await)
}

impl Cache {
    async fn connection(&self) -> redis::RedisResult<RedisConnection<MultiplexedConnection>> {
        let made = self.connection.get_or_try_init(async || {
            let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
            let connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            redis::RedisResult::Ok(self.obs.redis(Store::Visits, connection))
        });
        made.await.cloned()
    }
}

async fn visit(State(cache): State<Cache>, Path(id): Path<String>) -> StatusCode {
    let visited = async {
        let mut connection = cache.connection().await?;
        let () = connection.set(&id, 1).await?;
        connection.get::<_, u64>(&id).await
    };
    answer(&visited.await)
}

async fn wrong_visit(State(cache): State<Cache>, Path(id): Path<String>) -> StatusCode {
    let visited = async {
        let mut connection = cache.connection().await?;
        let () = connection.set(&id, 1).await?;
        connection.lpush::<_, _, ()>(&id, 1).await
    };
    answer(&visited.await)
}

async fn hanging_visit(State(cache): State<Cache>, Path(id): Path<String>) -> StatusCode {
    let visited = async {
        let mut connection = cache.connection().await?;
        connection.blpop::<_, redis::Value>(&id, 0.0).await
    };
    answer(&visited.await)
}
