//! What can become of an order. The texts of failures hold what no sink may show: the address of a
//! customer and a key, both given by the test.

use std::env;

use axum::http::StatusCode;

#[derive(Debug, thiserror::Error, obs::ErrorLabel, obs::ProblemError)]
pub(crate) enum OrderError {
    #[error("the ledger refused {0}")]
    #[problem(status = 500)]
    Ledger(String),
}

/// What a careless author puts into a message.
fn careless() -> String {
    env::var("CARELESS").unwrap_or_default()
}

pub(crate) async fn fine() -> &'static str {
    tracing::info!("packed");
    "here you are"
}

pub(crate) async fn error() -> Result<&'static str, OrderError> {
    Err(OrderError::Ledger(careless()))
}

pub(crate) async fn panic() -> &'static str {
    tracing::info!("about to fall");
    panic!("the till is open: {}", careless())
}

pub(crate) async fn bare() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

pub(crate) async fn spawned() -> StatusCode {
    let task = obs::spawn(async {
        tracing::error!(error = careless(), "the invoice was not sent");
    });
    match task.await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

/// Says in the log what the answer is about to say again.
pub(crate) async fn logged() -> StatusCode {
    tracing::error!(error = careless(), "the stock is unknown");
    StatusCode::INTERNAL_SERVER_ERROR
}
