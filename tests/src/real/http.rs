//! One HTTP request at a time, without a client library whose faults could hide ours.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The names of the headers in small letters, and their values.
    pub headers: BTreeMap<String, String>,
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
    get_with(address, path, &[("Accept", accept)])
}

/// Gets `path` with headers of the caller's.
///
/// # Errors
///
/// As [`get`].
pub fn get_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    let head = head(&format!("GET {path}"), address, headers);
    exchange(address, &format!("{head}\r\n"), Duration::from_secs(10))
}

/// Posts a text to `path`; the answer may keep silent for `patience`.
///
/// # Errors
///
/// As [`get`].
pub fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    patience: Duration,
) -> io::Result<Response> {
    let head = head(&format!("POST {path}"), address, headers);
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    exchange(address, &request, patience)
}

fn head(what: &str, address: SocketAddr, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{what} HTTP/1.0\r\nHost: {address}\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head
}

fn exchange(address: SocketAddr, request: &str, patience: Duration) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(patience))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let incomplete = || io::Error::other(format!("not an HTTP response: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(incomplete)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let headers: BTreeMap<String, String> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Response {
        status: status.ok_or_else(incomplete)?,
        content_type: headers.get("content-type").cloned().unwrap_or_default(),
        headers,
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
