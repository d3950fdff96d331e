//! As little of an HTTP client as it takes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// Gets a page; the head is part of the answer.
pub(crate) fn get(address: &str, path: &str) -> String {
    get_with("", address, path)
}

/// Gets a page with more headers, each with its line end.
pub(crate) fn get_with(more: &str, address: &str, path: &str) -> String {
    try_get(more, address, path).unwrap_or_else(|error| panic!("{path} of {address}: {error}"))
}

/// As [`get_with`], of somebody who may not be there.
pub(crate) fn try_get(more: &str, address: &str, path: &str) -> io::Result<String> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n"
    )?;
    rest(stream)
}

/// Posts JSON with more headers, each with its line end; the head is part of the answer.
pub(crate) fn post(more: &str, address: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = connect(address)?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes())?;
    rest(stream)
}

pub(crate) fn connect(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn rest(mut stream: TcpStream) -> io::Result<String> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The value of one series of a page, written as it is there.
pub(crate) fn metric(page: &str, series: &str) -> Option<f64> {
    let mut lines = page.lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    value.parse().ok()
}
