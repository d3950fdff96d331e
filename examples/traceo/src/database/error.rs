//! What storing something can fail with.

/// Why something was not stored or not read.
#[derive(obs::ErrorLabel, obs::ProblemError, Debug, thiserror::Error)]
pub(crate) enum StorageError {
    #[error("DATABASE_URL must begin with `postgres://`; without it data lies in a file")]
    #[problem(status = 500)]
    Url,
    #[error("every connection to the database is in use")]
    #[problem(status = 503, retry_after = 1)]
    PoolExhausted,
    #[error("the database did not answer in time")]
    #[problem(status = 503, retry_after = 1)]
    TimedOut,
    #[error("the database has not the schema of this version: {0}")]
    #[label(ignore)]
    #[problem(status = 503)]
    Schema(String),
    #[error("the database failed")]
    #[label(ignore)]
    #[problem(status = 503, retry_after = 1)]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::PoolExhausted,
            other => Self::Database(other),
        }
    }
}
