//! `sqlx`: pools, their connections and transactions.

mod connection;
mod pool;
mod rows;

pub use connection::{Connection, PoolConnection, Transaction};
pub use pool::Pool;

use std::borrow::Cow;

use ::sqlx::error::DatabaseError;
use ::sqlx::{ConnectOptions, Database, Error};

use super::observer::Failure;

/// The `db.system.name` of the OpenTelemetry conventions.
fn system<DB: Database>(pool: &::sqlx::Pool<DB>) -> &'static str {
    match DB::NAME {
        "PostgreSQL" => "postgresql",
        "MySQL" => "mysql",
        "SQLite" => "sqlite",
        "MSSQL" => "microsoft.sql_server",
        // Of other drivers nobody knows whether they can write their options as a URL.
        ANY => of_scheme(pool.connect_options().to_url_lossy().scheme()),
        _ => OTHER_SQL,
    }
}

/// What the driver calls itself that takes any database.
const ANY: &str = "Any";

const OTHER_SQL: &str = "other_sql";

/// The database that a URL is of, as `sqlx` reads it.
fn of_scheme(scheme: &str) -> &'static str {
    match scheme {
        "postgres" | "postgresql" => "postgresql",
        "mysql" => "mysql",
        "mariadb" => "mariadb",
        "sqlite" => "sqlite",
        "mssql" | "sqlserver" => "microsoft.sql_server",
        _ => OTHER_SQL,
    }
}

/// What a span says about an error: the code of the database, else the kind.
pub(super) fn failure(error: &Error) -> Failure<'_> {
    let code = error.as_database_error().and_then(DatabaseError::code);
    if let Some(code) = code.filter(|code| is_code(code)) {
        return Failure {
            kind: code.clone(),
            code: Some(code),
        };
    }
    Failure {
        kind: Cow::Borrowed(kind(error)),
        code: None,
    }
}

/// SQLSTATE has five characters; `SQLite` numbers its codes.
fn is_code(code: &str) -> bool {
    (1..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

const fn kind(error: &Error) -> &'static str {
    match error {
        Error::Configuration(_) => "configuration",
        Error::InvalidArgument(_) => "invalid_argument",
        Error::Database(_) => "database",
        Error::Io(_) => "io",
        Error::Tls(_) => "tls",
        Error::Protocol(_) => "protocol",
        Error::RowNotFound => "row_not_found",
        Error::TypeNotFound { .. } => "type_not_found",
        Error::ColumnIndexOutOfBounds { .. } | Error::ColumnNotFound(_) => "column_not_found",
        Error::Encode(_) => "encode",
        Error::ColumnDecode { .. } | Error::Decode(_) => "decode",
        Error::PoolTimedOut => "pool_timed_out",
        Error::PoolClosed => "pool_closed",
        Error::WorkerCrashed => "worker_crashed",
        Error::InvalidSavePointStatement | Error::BeginFailed => "transaction",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::of_scheme;

    #[test]
    fn every_scheme_that_sqlx_takes_has_the_name_of_the_conventions() {
        for (scheme, system) in [
            ("postgres", "postgresql"),
            ("postgresql", "postgresql"),
            ("mysql", "mysql"),
            ("mariadb", "mariadb"),
            ("sqlite", "sqlite"),
            ("mssql", "microsoft.sql_server"),
            ("sqlserver", "microsoft.sql_server"),
            ("db2", "other_sql"),
        ] {
            assert_eq!(of_scheme(scheme), system, "{scheme}");
        }
    }
}
