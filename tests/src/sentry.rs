//! A Sentry server that takes everything and keeps every byte.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Listens on this machine until the process ends.
#[derive(Clone, Debug)]
pub struct SentryServer {
    received: Arc<Mutex<Vec<u8>>>,
    dsn: String,
}

impl SentryServer {
    /// Starts it.
    ///
    /// # Panics
    /// If there is no port to be had.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        Self {
            received,
            dsn: format!("http://publickey@{address}/1"),
        }
    }

    /// Where it is found.
    #[must_use]
    pub fn dsn(&self) -> &str {
        &self.dsn
    }

    /// Returns every byte that was sent to it, heads of requests included.
    ///
    /// # Panics
    /// If that is no text.
    #[must_use]
    pub fn text(&self) -> String {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(received.clone()).expect("text")
    }
}

/// Answers every request on a connection.
fn serve(mut stream: TcpStream, kept: &Mutex<Vec<u8>>) {
    // Pages of any origin may send to it.
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\ncontent-length: 2\r\n\r\n{}";
    let mut pending = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        while let Some(length) = request_length(&pending) {
            let request: Vec<u8> = pending.drain(..length).collect();
            // Kept before it is answered: whoever was answered finds it here.
            kept.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend_from_slice(&request);
            if stream.write_all(ANSWER).is_err() {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => pending.extend_from_slice(&buffer[..read]),
        }
    }
}

/// Returns the length of the first request in these bytes, once it is there as a whole.
fn request_length(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().expect("a length"));
    (bytes.len() >= end + length).then_some(end + length)
}
