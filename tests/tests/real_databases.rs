//! A real database and a real cache, and what is counted about them: exactly what was asked, whatever
//! ended it.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use obs_tests::real::component::{Component, available};
use obs_tests::real::http;
use obs_tests::real::page::{Page, series};
use obs_tests::real::postgres::Postgres;
use obs_tests::real::redis::Redis;
use obs_tests::real::service::Service;
use obs_tests::real::{build, wait_for};

const PATIENCE: Duration = Duration::from_secs(20);

fn operations(page: &Page, pool: &str) -> Vec<(String, String, f64)> {
    let of_pool = page.iter().filter(|(series, _)| {
        series.name == "db_client_operations_total" && series.labels["pool"] == pool
    });
    let happened = of_pool.filter(|(_, count)| *count > 0.0);
    happened
        .map(|(series, count)| {
            let label = |name: &str| series.labels[name].clone();
            (label("operation"), label("outcome"), count)
        })
        .collect()
}

fn expected(rows: &[(&str, &str, f64)]) -> Vec<(String, String, f64)> {
    let rows = rows.iter();
    rows.map(|(operation, outcome, count)| ((*operation).to_owned(), (*outcome).to_owned(), *count))
        .collect()
}

fn count(service: &Service, pool: &str, operation: &str, outcome: &str) -> f64 {
    let labels = [
        ("pool", pool),
        ("operation", operation),
        ("outcome", outcome),
    ];
    let counted = Page::now(service.address).get(&series("db_client_operations_total", &labels));
    counted.unwrap_or(0.0)
}

fn connections(service: &Service, state: &str) -> f64 {
    let labels = [("pool", "ledger"), ("state", state)];
    let counted = Page::now(service.address).get(&series("db_client_connections", &labels));
    counted.expect("a pool")
}

fn comes_to(service: &Service, state: &str, expected: f64) {
    wait_for(state, PATIENCE, || {
        (connections(service, state) == expected).then_some(())
    });
}

/// Asks at the same time, and returns the statuses later.
fn asking(service: &Service, path: &'static str, times: usize) -> Vec<thread::JoinHandle<u16>> {
    let address = service.address;
    let ask = move || http::get(address, path, "*/*").map_or(0, |answer| answer.status);
    (0..times).map(|_| thread::spawn(ask)).collect()
}

/// Asks and leaves before there is an answer.
fn leaving(service: &Service, path: &str, is_asked: impl Fn() -> bool) {
    let mut stream = TcpStream::connect(service.address).expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    wait_for("the request", PATIENCE, || is_asked().then_some(()));
}

#[test]
fn every_operation_on_a_real_postgres_is_counted_once() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let url = postgres.url();
    let service = Service::start(&build::shop(), &[("DATABASE_URL", &url)]);
    for (path, times, status) in [
        ("/ledger/7", 10, 200),
        ("/ledger/7/paid", 5, 200),
        ("/ledger/7/wrong", 3, 502),
        // Its pings are no operations.
        ("/ready", 4, 200),
    ] {
        for _ in 0..times {
            assert_eq!(service.get(path, &[]).status, status, "{path}");
        }
    }
    let page = Page::now(service.address);
    let rows = [
        ("begin", "ok", 5.0),
        ("commit", "ok", 5.0),
        ("create", "ok", 5.0),
        ("insert", "ok", 5.0),
        ("select", "error", 3.0),
        ("select", "ok", 10.0),
    ];
    assert_eq!(operations(&page, "ledger"), expected(&rows));
    let max = series("db_client_connections_max", &[("pool", "ledger")]);
    assert_eq!(page.get(&max), Some(2.0));
    let waits = series(
        "db_client_connection_wait_seconds_count",
        &[("pool", "ledger")],
    );
    assert_eq!(page.get(&waits), Some(18.0));
    comes_to(&service, "active", 0.0);
    assert_eq!(connections(&service, "waiting"), 0.0);
}

#[test]
fn a_frozen_postgres_shows_who_waits_and_nobody_waits_when_it_goes_on() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let url = postgres.url();
    let service = Service::start(&build::shop(), &[("DATABASE_URL", &url)]);
    assert_eq!(service.get("/ledger/7", &[]).status, 200);
    // Twice: what is left of the first time must not stand in the way of the second.
    for round in 1..=2 {
        postgres.process.freeze();
        let asked = asking(&service, "/ledger/7", 5);
        comes_to(&service, "waiting", 5.0);
        postgres.process.thaw();
        for answer in asked {
            assert_eq!(answer.join().expect("it asks"), 200);
        }
        comes_to(&service, "waiting", 0.0);
        comes_to(&service, "active", 0.0);
        assert_eq!(
            count(&service, "ledger", "select", "ok"),
            1.0 + 5.0 * f64::from(round)
        );
    }
    assert_eq!(count(&service, "ledger", "select", "cancelled"), 0.0);
    assert_eq!(count(&service, "ledger", "select", "error"), 0.0);
}

#[test]
fn a7_clients_that_leave_an_exhausted_pool_are_counted_once_and_leave_no_wait() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let url = postgres.url();
    let service = Service::start(&build::shop(), &[("DATABASE_URL", &url)]);
    // Two have the connections, the rest waits; then all leave.
    let streams: Vec<TcpStream> = (0..10)
        .map(|_| {
            let mut stream = TcpStream::connect(service.address).expect("it listens");
            let request = b"GET /ledger/7/hangs HTTP/1.1\r\nHost: shop\r\n\r\n";
            stream.write_all(request).expect("it reads");
            stream
        })
        .collect();
    comes_to(&service, "waiting", 8.0);
    assert_eq!(connections(&service, "active"), 2.0);
    drop(streams);
    comes_to(&service, "waiting", 0.0);
    wait_for("the count", PATIENCE, || {
        (count(&service, "ledger", "select", "cancelled") == 10.0).then_some(())
    });
    let page = Page::now(service.address);
    let rows = [("select", "cancelled", 10.0)];
    assert_eq!(operations(&page, "ledger"), expected(&rows));
    // The database still works on what nobody waits for.
    assert_eq!(connections(&service, "active"), 2.0);
}

#[test]
fn every_command_of_a_real_redis_is_counted_once() {
    if !available(&[Component::Redis]) {
        return;
    }
    let redis = Redis::start();
    let url = redis.url();
    let service = Service::start(&build::shop(), &[("REDIS_URL", &url)]);
    for (path, times, status) in [
        ("/visits/7", 10, 200),
        ("/visits/7/wrong", 3, 502),
        ("/ready", 4, 200),
    ] {
        for _ in 0..times {
            assert_eq!(service.get(path, &[]).status, status, "{path}");
        }
    }
    let rows = [
        ("get", "ok", 10.0),
        ("lpush", "error", 3.0),
        ("set", "ok", 13.0),
    ];
    assert_eq!(
        operations(&Page::now(service.address), "visits"),
        expected(&rows)
    );

    // Frozen, everybody waits; thawed, everybody is answered.
    redis.process.freeze();
    let asked = asking(&service, "/visits/7", 5);
    wait_for("the requests", PATIENCE, || {
        let in_flight = Page::now(service.address).get(&series("http_requests_in_flight", &[]));
        (in_flight == Some(5.0)).then_some(())
    });
    assert_eq!(count(&service, "visits", "set", "ok"), 13.0);
    redis.process.thaw();
    for answer in asked {
        assert_eq!(answer.join().expect("it asks"), 200);
    }
    assert_eq!(count(&service, "visits", "set", "ok"), 18.0);
    assert_eq!(count(&service, "visits", "get", "ok"), 15.0);

    // A client that leaves, after those who had their answers are counted as well.
    wait_for("the requests", PATIENCE, || {
        let in_flight = Page::now(service.address).get(&series("http_requests_in_flight", &[]));
        (in_flight == Some(0.0)).then_some(())
    });
    leaving(&service, "/visits/empty/hangs", || {
        let in_flight = Page::now(service.address).get(&series("http_requests_in_flight", &[]));
        in_flight == Some(1.0)
    });
    wait_for("the count", PATIENCE, || {
        (count(&service, "visits", "blpop", "cancelled") == 1.0).then_some(())
    });
}
