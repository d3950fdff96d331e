//! What can be known of the supervisor without processes.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::log_file::last;
use super::restarts::{Restarts, WINDOW};
use super::service::Addresses;

#[test]
fn the_third_end_within_ten_seconds_is_the_last_one() {
    let start = Instant::now();
    let mut restarts = Restarts::default();
    let first = restarts.after(start).unwrap();
    let second = restarts.after(start + Duration::from_secs(5)).unwrap();
    assert!(second > first);
    assert_eq!(restarts.after(start + Duration::from_millis(9_999)), None);
}

#[test]
fn ends_that_lie_apart_are_each_the_first_one() {
    let mut end = Instant::now();
    let mut restarts = Restarts::default();
    let first = restarts.after(end);
    for _ in 0..10 {
        end += WINDOW;
        assert_eq!(restarts.after(end), first);
    }
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let error = Addresses::free(any, address).unwrap_err().to_string();
    for part in [&address.to_string()[..], "--engine-listen", "Stop what"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[test]
fn port_0_becomes_two_ports_that_differ() {
    let any = "127.0.0.1:0".parse().unwrap();
    let addresses = Addresses::free(any, any).unwrap();
    assert_ne!(addresses.mcp.port(), 0);
    assert_ne!(addresses.mcp, addresses.engine);
}

#[test]
fn the_end_of_a_log_is_shown_and_not_all_of_it() {
    let log: Vec<_> = (0..100).map(|n| format!("line {n}")).collect();
    let log = log.join("\n");
    let shown = last(&log);
    assert_eq!(shown.lines().count(), 10);
    assert!(shown.ends_with("  line 99"), "{shown}");
    assert_eq!(last(""), "  (the log is empty)");
    assert!(last(&"x".repeat(100_000)).len() < 3000);
}
