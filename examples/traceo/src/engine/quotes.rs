//! Quotes of a third party, which is slow, broken or silent at times.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use axum::{Json, Router};
use bytes::BytesMut;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::error::{EngineError, QuoteError};
use super::job::Quote as Outcome;
use super::parameters::Parameters;
use crate::database::{self, Action, Database, StorageError, audit, in_time, now, rfc3339};
use crate::metrics::engine::traceo_engine_quotes_total;
use crate::telemetry::{Client, Transaction, tell};

/// The table, a migration of the engine's.
pub(super) const TABLE: &str = "CREATE TABLE quotes (
    currency TEXT             PRIMARY KEY,
    symbol   TEXT             NOT NULL,
    value    DOUBLE PRECISION NOT NULL,
    at       BIGINT           NOT NULL,
    source   TEXT             NOT NULL
);";

/// How long the third party may take for an answer, each time it is asked.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// How often it is asked for one quote.
const TRIES: u32 = 3;

/// For how many milliseconds a quote is a current one.
const FRESH_MS: i64 = 500;

/// The longest answer that is read.
const MAX_ANSWER: usize = 16 * 1024;

/// The longest symbol or source that is taken.
const MAX_TEXT: usize = 64;

/// A quote, as clients and the database get it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Quote {
    symbol: String,
    currency: String,
    /// In US dollars.
    value: f64,
    #[serde(rename = "timestamp", serialize_with = "as_rfc3339")]
    at: i64,
    source: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn as_rfc3339<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*at))
}

/// The third party, and what it said last.
#[derive(Clone, Debug)]
pub(super) struct Quotes {
    pub(super) database: Database,
    pub(super) client: Client,
    /// Where the third party is, without a slash at its end.
    pub(super) base: String,
    /// Whether a connection to the database is held while waiting for the third party.
    pub(super) careless: bool,
}

/// `GET /external-data?currency=EUR`.
pub(super) fn routes(quotes: Quotes) -> Router {
    Router::new()
        .route("/external-data", get(external_data))
        .with_state(quotes)
}

async fn external_data(State(quotes): State<Quotes>, uri: Uri) -> Result<Json<Quote>, EngineError> {
    let parameters = Parameters::of(&uri, &["currency"])?;
    let currency = currency(parameters.get("currency"))?;
    let quote = if quotes.careless {
        quotes.carelessly(&currency).await?
    } else {
        quotes.carefully(&currency).await?
    };
    Ok(Json(quote))
}

fn currency(given: Option<&str>) -> Result<String, QuoteError> {
    let given = given.unwrap_or_default();
    if given.len() == 3 && given.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(given.to_ascii_uppercase())
    } else {
        Err(QuoteError::BadCurrency)
    }
}

impl Quotes {
    /// Holds no connection while it waits for the third party.
    async fn carefully(&self, currency: &str) -> Result<Quote, EngineError> {
        let look = stored(self.database.pool(), currency);
        if let Some(quote) = in_time(database::PATIENCE, look).await? {
            return Ok(quote);
        }
        let quote = self.ask_and_count(currency).await?;
        in_time(database::PATIENCE, async {
            let mut transaction = self.database.begin().await?;
            store(&mut transaction, &quote).await?;
            transaction.commit().await.map_err(StorageError::from)
        })
        .await?;
        Ok(quote)
    }

    /// Has a transaction open from the first look to the end, the wait included: a mistake that
    /// works for months. A third party that times out 2 % of the time, asked three times, then
    /// holds connections for seconds, and everybody else waits for one. `--careless` is there so
    /// that `traceo demo` can show what that looks like from outside.
    async fn carelessly(&self, currency: &str) -> Result<Quote, EngineError> {
        let mut transaction = self.database.begin().await?;
        if let Some(quote) = stored(&mut *transaction, currency).await? {
            return Ok(quote);
        }
        let quote = self.ask_and_count(currency).await?;
        store(&mut transaction, &quote).await?;
        transaction.commit().await.map_err(StorageError::from)?;
        Ok(quote)
    }

    async fn ask_and_count(&self, currency: &str) -> Result<Quote, QuoteError> {
        let result = self.ask(currency).await;
        let outcome = match &result {
            Ok(_) => Outcome::Ok,
            Err(QuoteError::UpstreamTimeout) => Outcome::Timeout,
            Err(_) => Outcome::Failed,
        };
        traceo_engine_quotes_total(outcome).inc();
        result
    }

    /// Asks until there is an answer; at once again, which is what makes a slow third party slower.
    #[obs::observed(name = "ask_for_quote")]
    async fn ask(&self, currency: &str) -> Result<Quote, QuoteError> {
        let mut tries = 1;
        loop {
            match self.ask_once(currency).await {
                Err(error) if tries < TRIES && is_worth_another_try(&error) => {
                    tell::third_party_asked_again(&error, tries);
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    async fn ask_once(&self, currency: &str) -> Result<Quote, QuoteError> {
        let request = self.client.get(format!("{}/quote", self.base));
        let response = request.query(&[("currency", currency)]).send().await;
        let mut response = response.map_err(unreachable)?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(QuoteError::UnknownCurrency),
            status => {
                let status = status.as_u16();
                return Err(QuoteError::UpstreamStatus { status });
            }
        }
        let mut body = BytesMut::new();
        while body.len() < MAX_ANSWER
            && let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| unreachable(error.into()))?
        {
            body.extend_from_slice(&chunk);
        }
        // What is left of a longer answer is no JSON any more.
        body.truncate(MAX_ANSWER);
        understand(&body, currency).map_err(QuoteError::UpstreamMalformed)
    }
}

fn unreachable(error: reqwest_middleware::Error) -> QuoteError {
    if error.is_timeout() {
        QuoteError::UpstreamTimeout
    } else {
        QuoteError::UpstreamUnreachable(error)
    }
}

/// Says whether the third party may have only been unwell for a moment.
const fn is_worth_another_try(error: &QuoteError) -> bool {
    matches!(
        error,
        QuoteError::UpstreamTimeout | QuoteError::UpstreamStatus { status: 500..=599 }
    )
}

/// What the third party says.
#[derive(Deserialize)]
struct Answer {
    symbol: String,
    currency: String,
    value: f64,
    source: String,
}

fn understand(body: &[u8], currency: &str) -> Result<Quote, serde_json::Error> {
    let answer: Answer = serde_json::from_slice(body)?;
    let is_usable = answer.currency == currency
        && answer.value > 0.0
        && is_text(&answer.symbol)
        && is_text(&answer.source);
    if !is_usable {
        return Err(serde_json::Error::custom(
            "it is another quote than the one asked for",
        ));
    }
    Ok(Quote {
        symbol: answer.symbol,
        currency: answer.currency,
        value: answer.value,
        at: now(),
        source: answer.source,
    })
}

/// Whether this is something to store and to show: no database and no terminal minds it.
fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// Returns what is stored, if it is a current one; an older one is never passed off as that.
async fn stored<'c, E>(database: E, currency: &str) -> Result<Option<Quote>, StorageError>
where
    E: sqlx::Executor<'c, Database = sqlx::Any>,
{
    let query = "SELECT symbol, currency, value, at, source FROM quotes \
                 WHERE currency = $1 AND at > $2";
    let row = sqlx::query(query)
        .bind(currency)
        .bind(now() - FRESH_MS)
        .fetch_optional(database)
        .await?;
    let quote = row.as_ref().map(of_row).transpose()?;
    if quote.is_some() {
        traceo_engine_quotes_total(Outcome::Cached).inc();
    }
    Ok(quote)
}

fn of_row(row: &AnyRow) -> Result<Quote, sqlx::Error> {
    Ok(Quote {
        symbol: row.try_get("symbol")?,
        currency: row.try_get("currency")?,
        value: row.try_get("value")?,
        at: row.try_get("at")?,
        source: row.try_get("source")?,
    })
}

async fn store(transaction: &mut Transaction, quote: &Quote) -> Result<(), StorageError> {
    let statement = "INSERT INTO quotes (currency, symbol, value, at, source) \
                     VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (currency) DO UPDATE SET symbol = excluded.symbol, \
                     value = excluded.value, at = excluded.at, source = excluded.source";
    sqlx::query(statement)
        .bind(&quote.currency)
        .bind(&quote.symbol)
        .bind(quote.value)
        .bind(quote.at)
        .bind(&quote.source)
        .execute(&mut **transaction)
        .await?;
    audit(transaction, Action::QuoteStored, &quote.currency).await
}

#[cfg(test)]
mod tests;
