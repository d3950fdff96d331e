//! A Redis that keeps nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use tempfile::TempDir;

use super::component::Component;
use super::http::free_address;
use super::process::{Process, Signal, not_outliving_us};
use super::wait_for;

/// A server that answers.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    /// The server.
    pub process: Process,
    _folder: TempDir,
}

impl Redis {
    /// Starts a server and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start() -> Self {
        Self::start_at(free_address())
    }

    /// Starts a server where there was one before, and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_at(address: SocketAddr) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = not_outliving_us(Signal::Kill, Component::Redis.path());
        command
            .args(["--port", &address.port().to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path());
        let mut server = Self {
            address,
            process: Process::start("redis", folder.path(), &mut command),
            _folder: folder,
        };
        wait_for("Redis", Duration::from_secs(20), || {
            assert!(!server.process.ended(), "Redis has ended");
            answers(address)
        });
        server
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.stop(Signal::Term, Duration::from_secs(5));
    }
}

fn answers(address: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(b"PING\r\n").ok()?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer).ok()?;
    (&answer == b"+PONG\r\n").then_some(())
}
