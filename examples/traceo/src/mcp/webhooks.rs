//! `POST /webhooks/jobs`: the engine tells how a job ended.
//!
//! A webhook is stored before it is answered with 202, and worked off afterwards by the
//! [inbox](super::inbox). The engine repeats one until it is answered so, with the same
//! `webhook-id`; a repeated one is answered 202 as well, and does nothing.
//!
//! Over pipes nothing listens for webhooks: clients ask `job_status`.

use std::error::Error as _;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use http_body_util::LengthLimitError;

use super::Receipt;
use super::error::WebhookError;
use super::inbox::{Inbox, ROOM};
use super::store::Kept;
use crate::api::{DELIVERY, JobEnded, WEBHOOKS};
use crate::metrics::mcp::traceo_mcp_webhooks_received_total;
use crate::telemetry::{about_job, mcp as said, on_a_task};

/// The longest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a body may take.
const BODY: Duration = Duration::from_secs(10);

const MAX_ID: usize = 64;

/// The longest `failure.kind`, which is kept.
const MAX_KIND: usize = 64;

pub(super) fn router(inbox: Inbox) -> Router {
    Router::new()
        .route(WEBHOOKS, post(receive))
        .with_state(inbox)
}

async fn receive(State(inbox): State<Inbox>, request: Request) -> Result<StatusCode, WebhookError> {
    // On a task of its own: an engine that goes away now must not stop it between table and count.
    let taken = on_a_task(async move {
        let taken = take(&inbox, request).await;
        let receipt = match taken {
            Ok(receipt) => receipt,
            Err(_) => Receipt::Refused,
        };
        traceo_mcp_webhooks_received_total(receipt).inc();
        taken
    });
    match taken.await {
        Ok(taken) => taken.map(|_| StatusCode::ACCEPTED),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(WebhookError::WebhookBroken),
        },
    }
}

#[obs::observed(name = "take_webhook")]
async fn take(inbox: &Inbox, request: Request) -> Result<Receipt, WebhookError> {
    let (head, body) = request.into_parts();
    let delivery = delivery(&head.headers)?;
    let ended = job_ended(body).await?;
    about_job(&ended.job_id);
    // As it was understood, and not as it came.
    let payload = serde_json::to_string(&ended).map_err(no_job_ended)?;
    match inbox.keep(delivery, &ended, &payload).await? {
        Kept::New => {
            said::webhook_taken(ended.status);
            Ok(Receipt::Taken)
        }
        Kept::Known => Ok(Receipt::Repeated),
        Kept::Full => Err(WebhookError::InboxFull { limit: ROOM }),
    }
}

fn delivery(headers: &HeaderMap) -> Result<&str, WebhookError> {
    let id = headers.get(DELIVERY).and_then(|id| id.to_str().ok());
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_id = |id: &&str| (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_char);
    id.filter(is_id).ok_or(WebhookError::NoDeliveryId)
}

async fn job_ended(body: Body) -> Result<JobEnded, WebhookError> {
    let body = tokio::time::timeout(BODY, to_bytes(body, MAX_BODY)).await;
    let body = body.map_err(|_| WebhookError::WebhookBroken)?;
    let body = body.map_err(|error| {
        let is_long = error
            .source()
            .is_some_and(<dyn std::error::Error>::is::<LengthLimitError>);
        if is_long {
            WebhookError::WebhookTooLarge { limit: MAX_BODY }
        } else {
            WebhookError::WebhookBroken
        }
    })?;
    let ended: JobEnded = serde_json::from_slice(&body).map_err(no_job_ended)?;
    let wrong = if !ended.status.has_ended() {
        Some("`status` is none of completed, failed and cancelled")
    } else if ended.rows_ok < 0 || ended.rows_rejected < 0 {
        Some("a number of rows is negative")
    } else if ended.failure.as_ref().is_some_and(|it| !is_kind(&it.kind)) {
        Some("`failure.kind` is not 1 to 64 of a-z, 0-9 and _")
    } else {
        None
    };
    match wrong {
        None => Ok(ended),
        Some(why) => Err(WebhookError::NoJobEnded {
            why: why.to_owned(),
        }),
    }
}

/// What is kept as it comes must be something that every database takes: a webhook that can never
/// be recorded would hold up all that wait behind it.
fn is_kind(text: &str) -> bool {
    let is_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=MAX_KIND).contains(&text.len()) && text.bytes().all(is_char)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn no_job_ended(error: serde_json::Error) -> WebhookError {
    WebhookError::NoJobEnded {
        why: error.to_string(),
    }
}
