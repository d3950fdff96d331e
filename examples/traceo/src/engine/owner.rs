//! Which process works on a job, and whether it still lives.
//!
//! Several processes may share one data directory: an HTTP server, and one per stdio client. Each
//! holds an exclusive `SQLite` lock on a file of its own, which the operating system lets go of
//! however the process ends. A lock that can be taken belongs to a process that is gone.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// This process's mark on the jobs it works on.
#[derive(Debug)]
pub(super) struct Owner {
    pub(super) name: String,
    path: PathBuf,
    /// Holds the lock.
    _connection: SqliteConnection,
}

impl Owner {
    pub(super) async fn claim(directory: &Path) -> Result<Self, sqlx::Error> {
        std::fs::create_dir_all(directory).map_err(sqlx::Error::Io)?;
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let nanos = now.unwrap_or_default().as_nanos();
            let name = format!("{}-{nanos}", std::process::id());
            let path = directory.join(format!("{name}.lock"));
            // Another process that starts right now may find the file before it is locked, take
            // it for a dead one's, and remove it.
            let Ok(connection) = lock(&path).await else {
                continue;
            };
            if path.exists() {
                return Ok(Self {
                    name,
                    path,
                    _connection: connection,
                });
            }
        }
    }

    /// The owners whose processes live, this one included; removes what the others left.
    pub(super) async fn living(&self, directory: &Path) -> Result<Vec<String>, sqlx::Error> {
        let mut living = vec![self.name.clone()];
        for entry in std::fs::read_dir(directory).map_err(sqlx::Error::Io)? {
            let path = entry.map_err(sqlx::Error::Io)?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            if path == self.path || path.extension().is_none_or(|end| end != "lock") {
                continue;
            }
            match lock(&path).await {
                Ok(connection) => {
                    // Before the lock is let go, so that nobody can take a file that goes away.
                    std::fs::remove_file(&path).ok();
                    connection.close().await?;
                }
                Err(_) => living.push(name.into_owned()),
            }
        }
        Ok(living)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

async fn lock(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .busy_timeout(Duration::ZERO);
    let mut connection = options.connect().await?;
    sqlx::raw_sql("BEGIN EXCLUSIVE")
        .execute(&mut connection)
        .await?;
    Ok(connection)
}
