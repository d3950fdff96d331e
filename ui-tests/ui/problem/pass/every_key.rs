#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
//! Every key, and every shape of a variant.

use obs::ProblemError;

const GONE: u16 = 410;
const PATIENCE: u64 = 2 * 60;

/// An error of the interface.
#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
pub enum ApiError {
    /// A number.
    #[problem(status = 404, title = "No such job", type = "https://example.org/no-such-job", detail)]
    NotFound(u64),
    /// A constant.
    #[problem(status = GONE)]
    Gone,
    /// A constant of `http`.
    #[problem(status = http::StatusCode::CONFLICT)]
    Conflict {
        /// By whom.
        by: String,
    },
    /// An expression.
    #[problem(status = if cfg!(debug_assertions) { 500 } else { 503 }, retry_after = PATIENCE)]
    #[label(value = "away")]
    Database(std::io::Error),
    /// Two attributes count as one.
    #[problem(status = 429)]
    #[problem(retry_after = 5)]
    TooMany,
    /// The codes of another enum.
    #[problem(transparent)]
    Engine(EngineError),
    /// The answers of another enum, counted as one.
    #[problem(transparent)]
    #[label(ignore)]
    Other(EngineError),
    /// A field with a name.
    #[problem(transparent)]
    Queue {
        /// The error.
        source: QueueError,
    },
    /// A raw name.
    #[problem(status = 400)]
    r#Type,
}

/// An error of the engine.
#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
pub enum EngineError {
    /// No room.
    #[problem(status = 503)]
    Full,
}

/// An error of the queue.
#[derive(Clone, Copy, Debug, obs::Label, obs::ProblemError)]
pub enum QueueError {
    /// A `Label` is an `ErrorLabel` too.
    #[problem(status = 503)]
    Closed,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for ApiError {}

impl std::fmt::Display for EngineError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for EngineError {}

impl std::fmt::Display for QueueError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for QueueError {}

fn main() {
    assert_eq!(ApiError::Gone.status(), 410);
    assert_eq!(ApiError::Conflict { by: String::new() }.status(), 409);
    let _ = (
        ApiError::NotFound(1),
        ApiError::Database(std::io::Error::other("x")),
        ApiError::TooMany,
        ApiError::Engine(EngineError::Full),
        ApiError::Other(EngineError::Full),
        ApiError::Queue { source: QueueError::Closed },
        ApiError::Type,
    );
}
