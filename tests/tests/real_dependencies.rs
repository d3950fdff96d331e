//! A database and a cache that hang: the process lives, the service is not ready, and is again when
//! they go on.

use std::time::{Duration, Instant};

use obs_tests::real::component::{Component, available};
use obs_tests::real::postgres::Postgres;
use obs_tests::real::process::Process;
use obs_tests::real::redis::Redis;
use obs_tests::real::service::Service;
use obs_tests::real::{build, wait_for};
use serde_json::{Value, json};

/// What a check has if nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Over and above that, for a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(2);

#[test]
fn a_frozen_postgres_degrades_readiness_within_its_timeout_and_comes_back() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let postgres = Postgres::start();
    let url = postgres.url();
    let service = Service::start(&build::shop(), &[("DATABASE_URL", &url)]);
    hangs_and_comes_back(service, "database", &postgres.process);
}

#[test]
fn a_frozen_redis_degrades_readiness_within_its_timeout_and_comes_back() {
    if !available(&[Component::Redis]) {
        return;
    }
    let redis = Redis::start();
    let url = redis.url();
    let service = Service::start(&build::shop(), &[("REDIS_URL", &url)]);
    hangs_and_comes_back(service, "redis", &redis.process);
}

#[test]
fn of_two_dependencies_only_the_one_that_hangs_is_named() {
    if !available(&[Component::Postgres, Component::Redis]) {
        return;
    }
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (database, cache) = (postgres.url(), redis.url());
    let variables = [("DATABASE_URL", &*database), ("REDIS_URL", &*cache)];
    let service = Service::start(&build::shop(), &variables);
    let both = json!({ "database": "ok", "redis": "ok" });
    wait_for_states(&service, 200, &both);
    redis.process.freeze();
    let cache = json!({ "database": "ok", "redis": "failed" });
    assert_eq!(states(&service), (503, cache));
    postgres.process.freeze();
    let neither = json!({ "database": "failed", "redis": "failed" });
    // Both at once take no longer than one.
    let asked = Instant::now();
    assert_eq!(states(&service), (503, neither));
    assert!(asked.elapsed() < TIMEOUT + PATIENCE);
    redis.process.thaw();
    let database = json!({ "database": "failed", "redis": "ok" });
    wait_for_states(&service, 503, &database);
    postgres.process.thaw();
    wait_for_states(&service, 200, &both);
}

#[test]
fn a_service_that_is_told_to_end_ends_although_its_database_and_its_cache_hang() {
    if !available(&[Component::Postgres, Component::Redis]) {
        return;
    }
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (database, cache) = (postgres.url(), redis.url());
    let variables = [("DATABASE_URL", &*database), ("REDIS_URL", &*cache)];
    let mut service = Service::start(&build::shop(), &variables);
    wait_for_states(&service, 200, &json!({ "database": "ok", "redis": "ok" }));
    postgres.process.freeze();
    redis.process.freeze();
    let neither = json!({ "database": "failed", "redis": "failed" });
    assert_eq!(states(&service), (503, neither));
    assert!(service.terminate().success());
}

#[test]
fn a_dependency_that_was_never_there_is_named_and_its_address_is_not() {
    if !available(&[Component::Postgres]) {
        return;
    }
    let url = {
        let postgres = Postgres::start();
        postgres.url()
    };
    let service = Service::start(&build::shop(), &[("DATABASE_URL", &url)]);
    let ready = service.get("/ready", &[]);
    assert_eq!(ready.status, 503, "{}", ready.body);
    assert!(!ready.body.contains("127.0.0.1"), "{}", ready.body);
    assert_eq!(states(&service).1, json!({ "database": "failed" }));
    lives(&service);
}

/// One dependency from up to hanging and back, with `/health` asked all the while.
fn hangs_and_comes_back(mut service: Service, name: &str, dependency: &Process) {
    wait_for_states(&service, 200, &json!({ name: "ok" }));
    lives(&service);
    // Twice: what is left of the first time must not stand in the way of the second.
    for _ in 0..2 {
        dependency.freeze();
        let asked = Instant::now();
        let ready = service.get("/ready", &[]);
        let took = asked.elapsed();
        assert_eq!(ready.status, 503, "{}", ready.body);
        let body: Value = serde_json::from_str(&ready.body).expect("JSON");
        assert_eq!(body["status"], "degraded", "{body}");
        assert_eq!(body["checks"][name]["status"], "failed", "{body}");
        assert!(took < TIMEOUT + PATIENCE, "answered after {took:?}");
        lives(&service);
        assert_eq!(service.get("/orders/1", &[]).status, 200);
        dependency.thaw();
        wait_for_states(&service, 200, &json!({ name: "ok" }));
        lives(&service);
    }
    assert!(service.terminate().success());
    // Each change is said once, and not once a probe.
    let lines = service.lines();
    let said = |message: &str| {
        let about = lines.iter().filter(|line| line["check"] == name);
        about.filter(|line| line["message"] == message).count()
    };
    assert_eq!(said("a dependency is down"), 2);
    assert_eq!(said("a dependency is up again"), 2);
}

/// The process lives, and says so without waiting for anybody.
fn lives(service: &Service) {
    let asked = Instant::now();
    let health = service.get("/health", &[]);
    let took = asked.elapsed();
    assert_eq!(health.status, 200, "{}", health.body);
    assert!(took < TIMEOUT, "/health took {took:?}");
}

fn wait_for_states(service: &Service, status: u16, expected: &Value) {
    wait_for("readiness", Duration::from_secs(10), || {
        (states(service) == (status, expected.clone())).then_some(())
    });
}

/// The status of `/ready`, and of each check.
fn states(service: &Service) -> (u16, Value) {
    let ready = service.get("/ready", &[]);
    let body: Value = serde_json::from_str(&ready.body).expect("JSON");
    let checks = body["checks"].as_object().into_iter().flatten();
    // The checks of the variables that are unset.
    let checks = checks.filter(|(_, check)| check["status"] != "skipped");
    let states = checks.map(|(name, check)| (name.clone(), check["status"].clone()));
    (ready.status, Value::Object(states.collect()))
}
