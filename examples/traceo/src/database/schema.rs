//! The tables of a service, and which version of them a database has.

use std::borrow::Cow;

use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, Row as _};

use super::error::StorageError;

/// The tables of a service.
#[derive(Debug)]
pub(crate) struct Schema {
    /// The name of the PostgreSQL schema.
    pub(crate) name: &'static str,
    /// The name of the `SQLite` file.
    pub(crate) file: &'static str,
    /// What was done to the tables, in order; never changed once released, only added to.
    pub(crate) migrations: &'static [&'static str],
}

impl Schema {
    pub(super) async fn migrate(&self, pool: &AnyPool) -> Result<(), StorageError> {
        let migrations = self.migrations.iter().zip(1..).map(|(sql, version)| {
            let kind = MigrationType::Simple;
            Migration::new(
                version,
                Cow::Borrowed("traceo"),
                kind,
                Cow::Borrowed(*sql),
                false,
            )
        });
        let migrator = Migrator {
            migrations: migrations.collect(),
            ..Migrator::DEFAULT
        };
        let migrated = migrator.run(pool).await;
        migrated.map_err(|error| StorageError::Schema(error.to_string()))
    }

    pub(super) async fn applied(&self, pool: &AnyPool) -> Result<(), StorageError> {
        let query = "SELECT CAST(coalesce(max(version), 0) AS BIGINT) AS version \
                     FROM _sqlx_migrations WHERE success";
        let row = sqlx::query(query).fetch_one(pool).await?;
        let (version, wanted): (i64, _) = (row.try_get("version")?, self.migrations.len());
        if usize::try_from(version).is_ok_and(|version| version == wanted) {
            Ok(())
        } else {
            Err(StorageError::Schema(format!(
                "version {version} instead of {wanted}"
            )))
        }
    }
}

pub(super) async fn create(options: &AnyConnectOptions, name: &str) -> Result<(), StorageError> {
    let mut connection = options.connect().await?;
    // Two services that start at once may both find that there is none: one of them then fails,
    // which the second look forgives.
    let statement = format!("CREATE SCHEMA IF NOT EXISTS {name}");
    let mut created = sqlx::raw_sql(&statement).execute(&mut connection).await;
    if created.is_err() {
        created = sqlx::raw_sql(&statement).execute(&mut connection).await;
    }
    created?;
    connection.close().await?;
    Ok(())
}
