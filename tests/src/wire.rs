//! HTTP as bytes, for what no client would send.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends bytes and returns everything that comes back.
///
/// # Panics
/// If nobody listens.
pub async fn send(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have had enough before the end.
    drop(stream.write_all(bytes).await);
    read(&mut stream).await
}

/// Reads until the connection ends.
pub async fn read(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is an end as well.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Returns the bytes of a request that is the last on its connection.
#[must_use]
pub fn request(method: &str, path: &str) -> Vec<u8> {
    request_with(method, path, "")
}

/// Returns the bytes of a request with further header lines, each with its `\r\n`.
#[must_use]
pub fn request_with(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n")
        .into_bytes()
}

/// Returns the status of an answer.
#[must_use]
pub fn status(answer: &str) -> &str {
    answer
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| answer.strip_prefix("HTTP/1.0 "))
        .and_then(|rest| rest.get(..3))
        .unwrap_or("")
}
