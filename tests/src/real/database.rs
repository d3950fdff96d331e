//! What lies in the database of a service, read beside it.

use std::path::Path;

use sqlx::any::{AnyRow, install_default_drivers};
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::runtime::{Builder, Runtime};

/// A connection of the test's own.
#[derive(Debug)]
pub struct Database {
    runtime: Runtime,
    connection: AnyConnection,
}

impl Database {
    /// Opens an `SQLite` file that is there already.
    ///
    /// # Panics
    ///
    /// Where it cannot be opened.
    pub fn file(path: &Path) -> Self {
        let mut database = Self::connect(&format!("sqlite://{}?mode=rw", path.display()));
        database.run("PRAGMA busy_timeout = 10000");
        database
    }

    /// Connects to a schema of `PostgreSQL`.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn schema(url: &str, schema: &str) -> Self {
        let mut database = Self::connect(url);
        database.run(&format!("SET search_path TO {schema}"));
        database
    }

    fn connect(url: &str) -> Self {
        install_default_drivers();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let connection = runtime.block_on(AnyConnection::connect(url));
        let connection = connection.expect("a connection to the database");
        Self {
            runtime,
            connection,
        }
    }

    fn run(&mut self, sql: &str) {
        let ran = sqlx::raw_sql(sql).execute(&mut self.connection);
        self.runtime.block_on(ran).expect("a statement that runs");
    }

    fn rows(&mut self, sql: &str) -> Vec<AnyRow> {
        let rows = sqlx::query(sql).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(rows);
        rows.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The rows of a query, all of whose columns are texts.
    ///
    /// # Panics
    ///
    /// Where the query fails, or a column is none.
    pub fn texts<const COLUMNS: usize>(&mut self, sql: &str) -> Vec<[String; COLUMNS]> {
        let rows = self.rows(sql);
        let text = |row: &AnyRow, column| row.try_get(column).expect("a text");
        let read = |row: &AnyRow| std::array::from_fn(|column| text(row, column));
        rows.iter().map(read).collect()
    }

    /// The rows of a query for a text and some numbers.
    ///
    /// # Panics
    ///
    /// Where the query fails, or a column is something else.
    pub fn numbers<const NUMBERS: usize>(&mut self, sql: &str) -> Vec<(String, [i64; NUMBERS])> {
        let rows = self.rows(sql);
        let read = |row: &AnyRow| {
            let name = row.try_get(0).expect("a text");
            let number = |column: usize| row.try_get(column + 1).expect("a number");
            (name, std::array::from_fn(number))
        };
        rows.iter().map(read).collect()
    }
}
