//! Values that name machines, networks and spans of time.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;

use super::Parsed;
use crate::client::PropagateHosts;
use crate::health::{HttpTarget, TcpTarget};
use crate::start::variable::cut;

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(String::new()),
    };
    let number: f64 = number.trim().parse().map_err(|_| String::new())?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|duration| *duration <= HOUR)
        .ok_or_else(String::new)
}

pub(crate) fn socket_address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| String::new())
}

pub(crate) fn networks(text: &str) -> Parsed<Vec<IpNet>> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let mut networks = Vec::new();
    for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
        let network = part
            .parse::<IpNet>()
            .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("{:?} is neither", cut(part, 50)))?;
        networks.push(network.trunc());
    }
    match networks.len() {
        1..=256 => Ok(networks),
        _ => Err(String::new()),
    }
}

pub(crate) fn propagate_hosts(text: &str) -> Parsed<PropagateHosts> {
    PropagateHosts::parse(text)
}

/// The name of a machine or an address; joined with a port later.
pub(crate) fn host(text: &str) -> Parsed<String> {
    TcpTarget::new(text, 1).map_err(|_| String::new())?;
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if bare.contains(':') && bare.parse::<IpAddr>().is_err() {
        return Err("a port has a variable of its own".to_owned());
    }
    Ok(text.to_owned())
}

pub(crate) fn port(text: &str) -> Parsed<u16> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(String::new()),
    }
}

pub(crate) fn url(text: &str) -> Parsed<HttpTarget> {
    HttpTarget::parse(text).map_err(|error| {
        // The other lines say what code could do, which no variable can.
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })
}
