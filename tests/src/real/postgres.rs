//! A Postgres with a cluster of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::component::Component;
use super::http::free_address;
use super::process::{Process, Signal};
use super::wait_for;

/// The packages make this user. The server refuses to run as root.
const USER: &str = "postgres";

/// A server that accepts connections.
#[derive(Debug)]
pub struct Postgres {
    /// Where it listens.
    pub address: SocketAddr,
    /// The postmaster, whose children serve one connection each.
    pub process: Process,
    // Its files go after it.
    _folder: TempDir,
}

impl Postgres {
    /// Makes a cluster, starts a server on it and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let data = folder.path().join("data");
        if is_root() {
            done(Command::new("chown").arg(USER).arg(folder.path()));
        }
        done(
            as_user("initdb", folder.path())
                .arg("--pgdata")
                .arg(&data)
                .args(["--username=obs", "--auth=trust", "--encoding=UTF8"])
                .args(["--no-locale", "--no-sync"]),
        );
        let address = free_address();
        let mut command = as_user("postgres", folder.path());
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &address.port().to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            // No file outside of the folder.
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "fsync=off", "-c", "synchronous_commit=off"])
            .args(["-c", "full_page_writes=off", "-c", "autovacuum=off"])
            .args(["-c", "shared_buffers=16MB", "-c", "max_connections=60"]);
        let mut server = Self {
            address,
            process: Process::start("postgres", folder.path(), &mut command),
            _folder: folder,
        };
        wait_for("Postgres", Duration::from_secs(20), || {
            assert!(!server.process.ended(), "Postgres has ended");
            let ready = "database system is ready to accept connections";
            server.process.log().contains(ready).then_some(())
        });
        server
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("postgres://obs@{}/postgres?sslmode=disable", self.address)
    }

    /// Asks by the server's own client, and returns each row as an object.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    pub fn rows(&self, select: &str) -> Vec<Value> {
        let as_json = format!("SELECT coalesce(json_agg(t), '[]') FROM ({select}) t");
        let output = Command::new(Component::Postgres.path().with_file_name("psql"))
            .args(["--no-psqlrc", "--no-align", "--tuples-only", "--command"])
            .args([&as_json, &self.url()])
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{select}: {said}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Its fast shutdown; killed, it would leave shared memory behind.
        self.process.stop(Signal::Int, Duration::from_secs(5));
    }
}

/// A program of Postgres, under a user that it accepts.
fn as_user(program: &str, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=INT");
    if is_root() {
        command.args(["--reuid", USER, "--regid", USER, "--init-groups"]);
    }
    command
        .arg(Component::Postgres.path().with_file_name(program))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn done(command: &mut Command) {
    let output = command.output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
