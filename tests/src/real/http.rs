//! One HTTP request at a time, without a client library whose faults could hide ours.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: String,
    /// The body as text.
    pub body: String,
}

/// Gets `path` as HTTP/1.0, so that the body comes in one piece.
///
/// # Errors
///
/// Where there is no server, or no complete answer from it.
pub fn get(address: SocketAddr, path: &str, accept: &str) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let incomplete = || io::Error::other(format!("not an HTTP response: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(incomplete)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let content_type = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    Ok(Response {
        status: status.ok_or_else(incomplete)?,
        content_type: content_type.map_or_else(String::new, |(_, value)| value.trim().to_owned()),
        body: body.to_owned(),
    })
}

/// An address of this machine that nobody listens on.
///
/// # Panics
///
/// Where the machine has no free port.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}
