//! The MCP server: tools that ask the engine, and the webhooks by which it tells how jobs ended.

mod arguments;
mod engine;
mod error;
mod http;
mod inbox;
mod input;
mod results;
mod schema;
mod stdio;
mod store;
mod tools;
mod upkeep;
mod webhooks;
mod welcome;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::Path;

use tokio_util::task::AbortOnDropHandle;

use crate::cli::{self, Transport};
use crate::database::{Database, Location, StorageError};
use crate::listen::listen;
use crate::settings::Settings;
use crate::telemetry::{BoxError, Telemetry, engine_client, in_background};
use engine::Engine;
use inbox::Inbox;
use schema::SCHEMA;
use store::Store;
use tools::Traceo;
use welcome::Welcome;

const CONNECTIONS: u32 = 10;

/// What became of a webhook.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    Taken,
    /// Known already: another attempt of a delivery that was taken.
    Repeated,
    /// Wrong, or there is no room, or no database at present: the engine may repeat it.
    Refused,
}

/// Serves MCP until the process is told to stop.
pub(crate) async fn run(
    telemetry: Telemetry,
    options: cli::Mcp,
    settings: Settings,
) -> Result<(), BoxError> {
    let listener = match options.transport {
        Transport::Stdio => None,
        Transport::Http {
            listen: address, ..
        } => Some(listen(address, "mcp").await?),
    };
    let data = options.data.join("mcp");
    let location = Location::of(settings.database.as_deref(), &data)?;
    let database = Database::open(&location, &SCHEMA, CONNECTIONS, |pool| telemetry.pool(pool));
    let database = database
        .await
        .map_err(|error| no_database(&location, &error))?;
    let store = Store::new(database);
    let client = engine_client(&telemetry.obs, &settings.engine)?;
    let traceo = Traceo::new(Engine::new(client, &settings.engine), store.clone());
    telemetry.ready_at("engine", &format!("{}/ready", settings.engine))?;
    let _upkeep = [
        beside(upkeep::keep_gauges(store.clone())),
        beside(upkeep::keep_retention(store.clone(), options.audit_days)),
    ];
    let served = match (options.transport, listener) {
        (
            Transport::Http {
                remote,
                stateless_json,
                ..
            },
            Some(listener),
        ) => {
            let inbox = Inbox::new(store.clone());
            let watched = store.clone();
            telemetry.ready("webhook_backlog", move || {
                upkeep::webhook_backlog(watched.clone())
            });
            let _worker = beside(inbox.clone().work());
            let place = place(&location);
            let welcome = Welcome {
                address: listener.local_addr()?,
                engine: &settings.engine,
                place: &place,
            };
            let reached = (&*remote, stateless_json);
            http::serve(&telemetry, traceo, inbox, listener, reached, welcome).await
        }
        _ => stdio::serve(&telemetry, traceo).await,
    };
    store.close().await;
    served
}

/// Starts a task that ends with the server.
fn beside(future: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(in_background(future))
}

/// Returns where data is kept, in words for a person: an address may have a password in it.
fn place(location: &Location) -> String {
    match location {
        Location::Directory(directory) => {
            let file = directory.join(SCHEMA.file);
            let file = std::path::absolute(&file).unwrap_or(file);
            file.display().to_string()
        }
        Location::Postgres(_) => format!("PostgreSQL, schema {} (DATABASE_URL)", SCHEMA.name),
    }
}

fn no_database(location: &Location, error: &StorageError) -> BoxError {
    let why = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    match location {
        Location::Directory(directory) => {
            let directory = directory.parent().unwrap_or_else(|| Path::new("."));
            let directory = directory.display();
            format!("cannot keep data in `{directory}`: {why}; choose another place with `--data`")
        }
        Location::Postgres(_) => format!("the database of DATABASE_URL cannot be used: {why}"),
    }
    .into()
}
