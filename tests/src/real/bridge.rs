//! A server over pipes that outlives its client, so that its numbers can still be read.
//!
//! The Inspector starts its server and ends it with the call. Here it starts a bridge to a server
//! that the test owns.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::component::Component;
use super::process::Process;
use super::workspace;

/// A server whose pipes lead to the bridge that a client starts. It sees the end of its input
/// only when this is dropped.
#[derive(Debug)]
pub struct Bridge {
    /// The server.
    pub process: Process,
    /// What a client starts in the server's place.
    pub command: Vec<String>,
}

impl Bridge {
    /// Starts a server and waits for one client.
    ///
    /// # Panics
    ///
    /// Where the server cannot be started.
    pub fn start(server: &mut Command, folder: &Path) -> Self {
        server.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start("server", folder, server);
        let mut input = process.child.stdin.take().expect("a piped input");
        let mut output = process.child.stdout.take().expect("a piped output");
        let socket = folder.join("bridge.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        thread::spawn(move || -> io::Result<()> {
            let (mut from_client, _) = listener.accept()?;
            let mut to_client = from_client.try_clone()?;
            let answers = thread::spawn(move || {
                // What the server says after the client has left has nowhere to go, but must not
                // stop the server.
                if io::copy(&mut output, &mut to_client).is_err() {
                    drop(io::copy(&mut output, &mut io::sink()));
                }
                drop(to_client.shutdown(Shutdown::Both));
            });
            let mut buffer = [0; 4096];
            loop {
                let read = from_client.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                input.write_all(&buffer[..read])?;
                input.flush()?;
            }
            // Holds the server's input open until the server ends.
            drop(answers.join());
            Ok(())
        });
        let bridge = workspace().join("tests/clients/stdio_bridge.py");
        let command = [Component::Python.path(), bridge, socket]
            .map(|part| part.to_string_lossy().into_owned())
            .to_vec();
        Self { process, command }
    }
}
