//! Tells the MCP server how jobs ended: stored with the end of the job, delivered until it is taken.

use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::Engine;
use super::error::DeliveryError;
use super::job::Delivery;
use super::store::{self, Stored};
use crate::api::{DELIVERY, JobEnded, JobId, WEBHOOKS};
use crate::database::{Action, Database, PATIENCE, StorageError, audit, in_time, now};
use crate::metrics::engine::traceo_engine_webhook_deliveries_total;
use crate::telemetry::{ANONYMOUS, Attempt, Client, Transaction, USER};

use sqlx::Row as _;

/// How long the receiver may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a delivery belongs to whoever has begun it.
const LEASE_MS: i64 = 20_000;

/// The pause behind the first failure; it doubles from there.
const FIRST_PAUSE_MS: i64 = 500;
const LONGEST_PAUSE_MS: i64 = 30_000;

/// How long a webhook is tried.
const GIVEN_UP_AFTER_MS: i64 = 24 * 60 * 60 * 1000;

/// Deliveries under way.
const AT_ONCE: u32 = 8;

/// How often the table is looked at, for what was due later or belongs to others.
const LOOK: Duration = Duration::from_millis(250);

/// A webhook that is being delivered.
#[derive(Debug)]
struct Webhook {
    id: String,
    job: JobId,
    body: String,
    ticket: Stored,
    attempts: i64,
    created_at: i64,
}

/// Stores what is to be told, in the transaction that made it true.
pub(super) async fn insert(
    transaction: &mut Transaction,
    told: &JobEnded,
    ticket: &Stored,
) -> Result<(), StorageError> {
    let id = format!("whk_{}", Uuid::now_v7().simple());
    // What happened always serialises.
    let body = serde_json::to_string(told).unwrap_or_default();
    sqlx::query(
        "INSERT INTO webhooks (id, job, body, carrier, actor, correlation_id, status, attempts, \
         next_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $7)",
    )
    .bind(&id)
    .bind(told.job_id.as_str())
    .bind(body)
    .bind(&ticket.carrier)
    .bind(&ticket.actor)
    .bind(&ticket.correlation_id)
    .bind(now())
    .execute(&mut **transaction)
    .await?;
    audit(transaction, Action::WebhookQueued, &id).await
}

/// Delivers what is due until the engine stops; what is under way then may end.
pub(super) async fn run(engine: Engine, client: Client, receiver: String) {
    let courier = Arc::new(Courier {
        engine,
        client,
        url: format!("{receiver}{WEBHOOKS}"),
    });
    let engine = &courier.engine;
    let places = Arc::new(Semaphore::new(AT_ONCE as usize));
    let mut under_way = JoinSet::new();
    while !engine.stopping().is_cancelled() {
        while under_way.try_join_next().is_some() {}
        let room = i64::try_from(places.available_permits()).unwrap_or(0);
        // A database that does not answer is asked again.
        for id in due(engine.database(), room).await.unwrap_or_default() {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                break;
            };
            let courier = Arc::clone(&courier);
            under_way.spawn(async move {
                courier.try_one(&id).await;
                drop(place);
                courier.engine.webhooks_due().notify_one();
            });
        }
        tokio::select! {
            () = engine.webhooks_due().notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = engine.stopping().cancelled() => {}
        }
    }
    while under_way.join_next().await.is_some() {}
}

struct Courier {
    engine: Engine,
    client: Client,
    url: String,
}

impl Courier {
    async fn try_one(&self, id: &str) {
        let database = self.engine.database();
        let Ok(Some(webhook)) = claim(database, id).await else {
            return;
        };
        let attempt = Attempt {
            name: "deliver_webhook",
            number: u32::try_from(webhook.attempts).unwrap_or(u32::MAX),
            carrier: &webhook.ticket.carrier,
            actor: &webhook.ticket.actor,
            job: &webhook.job,
        };
        let is_final = |error: &DeliveryError| result(&webhook, error) == Delivery::GivenUp;
        // It has said by itself what became of it.
        attempt.run(is_final, self.attempt(&webhook)).await.ok();
        self.engine.recount();
    }

    async fn attempt(&self, webhook: &Webhook) -> Result<(), DeliveryError> {
        let database = self.engine.database();
        let sent = async {
            self.send(webhook).await?;
            delivered(database, webhook).await?;
            Ok(Delivery::Delivered)
        };
        match sent.await {
            Ok(delivery) => {
                traceo_engine_webhook_deliveries_total(delivery).inc();
                Ok(())
            }
            Err(error) => {
                let delivery = result(webhook, &error);
                traceo_engine_webhook_deliveries_total(delivery).inc();
                // If this fails too, the delivery is due again when its lease is over.
                failed(database, webhook, delivery).await.ok();
                Err(error)
            }
        }
    }

    #[obs::observed(name = "deliver_webhook", fields(webhook_id = %webhook.id))]
    async fn send(&self, webhook: &Webhook) -> Result<(), DeliveryError> {
        let mut request = self
            .client
            .post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .header(DELIVERY, &webhook.id)
            .body(webhook.body.clone());
        if webhook.ticket.actor != ANONYMOUS {
            request = request.header(USER, &webhook.ticket.actor);
        }
        let answer = request.send().await.map_err(|error| match error {
            reqwest_middleware::Error::Reqwest(error) if error.is_timeout() => {
                DeliveryError::ReceiverTimeout
            }
            error => DeliveryError::ReceiverUnreachable(error),
        })?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(DeliveryError::ReceiverRefused {
            status: answer.status().as_u16(),
        })
    }
}

/// Says what an attempt that failed means for its webhook.
fn result(webhook: &Webhook, error: &DeliveryError) -> Delivery {
    // What the receiver says of this very message; 401, 404 and the like are a receiver that is being
    // set up, or somebody else on its port.
    let is_hopeless = matches!(error, DeliveryError::ReceiverRefused { status }
        if [400, 410, 413, 415, 422].contains(status));
    if is_hopeless || now() - webhook.created_at > GIVEN_UP_AFTER_MS {
        Delivery::GivenUp
    } else {
        Delivery::Failed
    }
}

fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS)
}

/// Counts the webhooks that have not been delivered.
pub(super) async fn backlog(database: &Database) -> Result<i64, StorageError> {
    in_time(PATIENCE, async {
        let query = "SELECT count(*) AS webhooks FROM webhooks WHERE status = 'pending'";
        let row = sqlx::query(query).fetch_one(database.unobserved()).await?;
        Ok(row.try_get("webhooks")?)
    })
    .await
}

async fn due(database: &Database, limit: i64) -> Result<Vec<String>, StorageError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    in_time(PATIENCE, async {
        let rows = sqlx::query(
            "SELECT id FROM webhooks WHERE status = 'pending' AND next_at <= $1 \
             ORDER BY next_at LIMIT $2",
        )
        .bind(now())
        .bind(limit)
        .fetch_all(database.unobserved())
        .await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    })
    .await
}

/// Takes a webhook that is due; of several engines, one gets it.
async fn claim(database: &Database, id: &str) -> Result<Option<Webhook>, StorageError> {
    in_time(PATIENCE, async {
        let moment = now();
        let row = sqlx::query(
            "UPDATE webhooks SET attempts = attempts + 1, next_at = $1 \
             WHERE id = $2 AND status = 'pending' AND next_at <= $3 \
             RETURNING job, body, carrier, actor, correlation_id, attempts, created_at",
        )
        .bind(moment + LEASE_MS)
        .bind(id)
        .bind(moment)
        .fetch_optional(database.pool())
        .await?;
        row.map(|row| {
            Ok(Webhook {
                id: id.to_owned(),
                job: store::id(&row, "job")?,
                body: row.try_get("body")?,
                ticket: Stored::read(&row)?,
                attempts: row.try_get("attempts")?,
                created_at: row.try_get("created_at")?,
            })
        })
        .transpose()
    })
    .await
}

async fn delivered(database: &Database, webhook: &Webhook) -> Result<(), StorageError> {
    end(database, webhook, "delivered", Action::WebhookDelivered).await
}

async fn failed(
    database: &Database,
    webhook: &Webhook,
    delivery: Delivery,
) -> Result<(), StorageError> {
    if delivery == Delivery::GivenUp {
        return end(database, webhook, "given_up", Action::WebhookGivenUp).await;
    }
    in_time(PATIENCE, async {
        let query = "UPDATE webhooks SET next_at = $1 \
                     WHERE id = $2 AND status = 'pending' AND attempts = $3";
        sqlx::query(query)
            .bind(now() + pause(webhook.attempts))
            .bind(&webhook.id)
            .bind(webhook.attempts)
            .execute(database.pool())
            .await?;
        Ok(())
    })
    .await
}

async fn end(
    database: &Database,
    webhook: &Webhook,
    status: &'static str,
    action: Action,
) -> Result<(), StorageError> {
    in_time(PATIENCE, async {
        let mut transaction = database.begin().await?;
        let query = "UPDATE webhooks SET status = $1, ended_at = $2 \
                     WHERE id = $3 AND status = 'pending'";
        let ended = sqlx::query(query)
            .bind(status)
            .bind(now())
            .bind(&webhook.id)
            .execute(&mut *transaction)
            .await?;
        if ended.rows_affected() > 0 {
            audit(&mut transaction, action, &webhook.id).await?;
        }
        transaction.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{Delivery, DeliveryError, Stored, Webhook, now, pause, result};
    use crate::api::JobId;

    #[test]
    fn pauses_double_from_half_a_second_to_half_a_minute() {
        let pauses: Vec<_> = [1, 2, 3, 6, 7, 8, 1000].map(pause).to_vec();
        assert_eq!(pauses, [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_refusal_is_the_last_word_unless_it_asks_for_patience() {
        let webhook = |age: i64| Webhook {
            id: "whk".into(),
            job: JobId::new(),
            body: String::new(),
            ticket: Stored {
                carrier: String::new(),
                actor: String::new(),
                correlation_id: String::new(),
            },
            attempts: 1,
            created_at: now() - age,
        };
        let refused = |status| DeliveryError::ReceiverRefused { status };
        for (status, delivery) in [
            (400, Delivery::GivenUp),
            (410, Delivery::GivenUp),
            (422, Delivery::GivenUp),
            (401, Delivery::Failed),
            (404, Delivery::Failed),
            (408, Delivery::Failed),
            (429, Delivery::Failed),
            (500, Delivery::Failed),
            (302, Delivery::Failed),
        ] {
            assert_eq!(result(&webhook(0), &refused(status)), delivery, "{status}");
        }
        let day = 24 * 60 * 60 * 1000;
        let late = result(&webhook(day + 1000), &DeliveryError::ReceiverTimeout);
        assert_eq!(late, Delivery::GivenUp);
        let early = result(&webhook(day - 1000), &DeliveryError::ReceiverTimeout);
        assert_eq!(early, Delivery::Failed);
    }
}
