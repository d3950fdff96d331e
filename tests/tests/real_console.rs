//! The console in a browser: what it shows of the traffic just sent, and what it asks for.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use obs_tests::real::component::{Component, available};
use obs_tests::real::http::{free_address, get_with, post};
use obs_tests::real::process::{Signal, not_outliving_us};
use obs_tests::real::service::Service;
use obs_tests::real::workspace;
use serde::Deserialize;
use tempfile::TempDir;

/// The request that fails, and is looked for.
const ID: &str = "lost-parcel-7";

/// A picture may be no larger: it is committed.
const MAX_PICTURE: u64 = 200_000;

/// What the browser told of its visit.
#[derive(Debug, Deserialize)]
struct Visit {
    /// Milliseconds until the first numbers were there.
    took: u64,
    title: String,
    routes: Vec<Vec<String>>,
    operations: Vec<Vec<String>>,
    tiles: Vec<String>,
    metrics: std::collections::BTreeMap<String, Vec<String>>,
    checks: Vec<String>,
    dropped: String,
    budget: String,
    lines: Vec<String>,
    errors: Vec<String>,
    /// Elements that a hostile line would have made.
    markup: u32,
    light: String,
    dark: String,
    steps: Vec<Step>,
    about: String,
    notes: String,
    focused: String,
    polls_when_paused: u32,
    phone_width: u32,
    phone_lines: u32,
    linked_width: u32,
    /// What stood in the browser's console.
    said: Vec<String>,
    /// What was asked for, without queries.
    asked: Vec<String>,
}

/// A row of the timeline.
#[derive(Debug, Deserialize)]
struct Step {
    kind: String,
    failed: bool,
    service: String,
    depth: f64,
    text: String,
    left: f64,
    width: f64,
}

#[test]
fn a_browser_shows_the_traffic_just_sent_and_a_failed_request_across_services() {
    let needed = [Component::Chromium, Component::Pages, Component::Node];
    if !available(&needed) {
        return;
    }
    let (shop, warehouse) = (free_address(), free_address());
    let _warehouse = start("warehouse", warehouse, shop, &[]);
    let _shop = start("counter", shop, warehouse, &[("WITH_NOBODY", "1")]);
    trade(shop);
    let pictures = TempDir::new().expect("a temporary folder");
    let visit = visit(shop, pictures.path());

    assert!(visit.took < 1_000, "{} ms", visit.took);
    assert_eq!(visit.title, "bookshop · console");
    shows_the_numbers(&visit);
    shows_the_request(&visit);
    shows_what_was_logged(&visit);
    fits(&visit);
    asks_nobody_else(&visit, shop);
    keep(pictures.path());
}

fn start(role: &str, address: SocketAddr, other: SocketAddr, more: &[(&str, &str)]) -> Service {
    let other = format!("http://{other}");
    let mut variables = vec![
        ("OBS_ENV", "dev"),
        ("LOG_FORMAT", "pretty"),
        ("OTHER", &*other),
    ];
    variables.extend(more);
    let program = env!("CARGO_BIN_EXE_bookshop").as_ref();
    Service::start_at(address, program, &[role], &variables)
}

/// Sends what is counted below: 40 looks, 3 for what is not there, 12 orders, and 2 that fail.
fn trade(shop: SocketAddr) {
    let blessed = is_blessed();
    let look = |book: &str| {
        let response = get_with(shop, &format!("/books/{book}"), &[]).expect("an answer");
        response.status
    };
    let order = |book: &str, id: &str| {
        let path = format!("/orders/{book}");
        let headers = [("X-Correlation-ID", id)];
        let patience = Duration::from_secs(5);
        post(shop, &path, &headers, "", patience)
            .expect("an answer")
            .status
    };
    for n in 0..40 {
        assert_eq!(look(["novel", "poems"][n % 2]), 200);
        if n % 16 == 3 {
            assert_eq!(look("cookbook"), 404);
        }
        if n % 4 == 1 {
            assert_eq!(order("poems", &format!("order-{n}")), 200);
        }
        // The curves of the pictures are more than one step.
        if blessed {
            sleep(Duration::from_millis(100 + 900 * u64::from(n % 9 == 0)));
        }
    }
    assert_eq!(order("atlas", "first-failure"), 502);
    assert_eq!(order("novel", "order-a"), 200);
    assert_eq!(order("novel", "order-b"), 200);
    assert_eq!(order("atlas", ID), 502);
}

fn visit(shop: SocketAddr, pictures: &Path) -> Visit {
    let output = not_outliving_us(Signal::Term, Component::Node.path())
        .arg(workspace().join("tests/clients/visit_console.cjs"))
        .arg(Component::Chromium.path())
        .arg(format!("http://{shop}"))
        .arg(ID)
        .arg(pictures)
        .env("NODE_PATH", Component::Pages.path())
        .stdout(Stdio::piped())
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the visit failed: {said}");
    serde_json::from_slice(&output.stdout).expect("what it saw")
}

fn shows_the_numbers(visit: &Visit) {
    let row = |name: &str| -> &[String] {
        let all = visit.routes.iter().chain(&visit.operations);
        let mut all = all.filter(|row| row[0].replace('\n', " ") == name);
        all.next()
            .unwrap_or_else(|| panic!("no {name} in {visit:#?}"))
    };
    // Calls, errors, refused.
    let of = |name: &str| [1, 3, 4].map(|at| row(name)[at].clone());
    assert_eq!(of("GET /books/{book}"), ["43", "0", "3"]);
    assert_eq!(of("POST /orders/{book}"), ["14", "2", "0"]);
    assert_eq!(visit.routes.len(), 2, "{:#?}", visit.routes);
    assert_eq!(of("search"), ["54", "0", "0"]);
    assert_eq!(of("fetch"), ["14", "2", "0"]);
    // An order takes more than the seven milliseconds that it sleeps.
    for time in &row("POST /orders/{book}")[5..8] {
        assert!(time.ends_with(" ms"), "{time}");
    }
    assert!(visit.tiles[1].starts_with('2'), "{:?}", visit.tiles);
    assert_eq!(visit.tiles[3].trim(), "0");

    // What the service declares is there without another line.
    let sold = &visit.metrics["books_sold_total"];
    assert_eq!(
        sold,
        &["shelf=poems 10", "shelf=novels 2", "shelf=atlases 0"]
    );
    assert_eq!(visit.metrics["books_orders_waiting"], ["gauge 0"]);
    assert_eq!(visit.metrics["books_search_seconds"].len(), 3);
    assert!(visit.budget.contains("BOOKSHOP"), "{}", visit.budget);
    assert!(visit.checks[0].contains("warehouse") && visit.checks[0].contains("up"));
    assert!(visit.dropped.contains("Nothing"), "{}", visit.dropped);
}

fn shows_the_request(visit: &Visit) {
    let steps = &visit.steps;
    let find = |service: &str, kind: &str, text: &str| {
        let mut all = steps.iter();
        let found = all.position(|step| {
            step.service == service && step.kind == kind && step.text.contains(text)
        });
        found.unwrap_or_else(|| panic!("no {kind} {text:?} of {service} in {steps:#?}"))
    };
    let (shop, warehouse) = ("s0", "s1");
    let order = find(shop, "span", "POST /orders/{book}");
    let search = find(shop, "span", "search");
    let fetch = find(shop, "span", "fetch");
    let call = find(shop, "span", "POST /stock/{book}");
    let stock = find(warehouse, "span", "POST /stock/{book}");
    let collapsed = find(warehouse, "line", "the shelf of atlases has collapsed");
    let unpacked = find(shop, "line", "the parcel could not be packed");
    find(shop, "line", "an order for <b>atlas</b>");
    assert_eq!(order, 0);
    for (inner, outer) in [
        (search, order),
        (fetch, order),
        (call, fetch),
        (stock, call),
        (collapsed, stock),
    ] {
        assert!(
            inner > outer && steps[inner].depth > steps[outer].depth,
            "{steps:#?}"
        );
    }
    assert!(unpacked > stock, "after the warehouse had answered");
    // What is below something else happens within its time.
    for step in [search, fetch, stock].map(|at| &steps[at]) {
        assert!(
            step.left >= 0.0 && step.left + step.width <= 100.5,
            "{step:?}"
        );
    }
    assert!(steps[order].width > 99.0 && steps[search].width < 60.0);
    assert!(steps[search].left < steps[fetch].left);
    assert!(
        steps[order].failed && steps[stock].failed && steps[fetch].failed && !steps[search].failed
    );
    for word in [ID, "failed", "bookshop", "warehouse"] {
        assert!(visit.about.contains(word), "{}", visit.about);
    }
    assert!(
        visit.notes.starts_with("printer did not say what it knows"),
        "{}",
        visit.notes
    );
    assert_eq!(visit.focused, "timeline-title");
}

fn shows_what_was_logged(visit: &Visit) {
    let has = |lines: &[String], text: &str| lines.iter().any(|line| line.contains(text));
    assert!(has(&visit.lines, "request_completed"));
    assert!(
        has(&visit.lines, "an order for <b>atlas</b>"),
        "as it was written"
    );
    assert_eq!(visit.markup, 0, "and as nothing else");
    assert!(!has(&visit.lines, "hunter2-canary"), "no secret is shown");
    // Beside the line at the start that says what to open.
    let mut own = visit.lines.iter().filter(|line| line.contains("/console"));
    assert!(
        own.all(|line| line.starts_with("open http://")),
        "nor what the console does itself"
    );
    assert_eq!(visit.errors.len(), 4, "{:#?}", visit.errors);
    assert_eq!(visit.polls_when_paused, 0);
}

fn fits(visit: &Visit) {
    assert_eq!((visit.phone_width, visit.linked_width), (390, 390));
    assert!(visit.phone_lines > 0);
    assert_ne!(visit.light, visit.dark);
}

fn asks_nobody_else(visit: &Visit, shop: SocketAddr) {
    assert_eq!(visit.said, Vec::<String>::new());
    let mut asked = visit.asked.clone();
    asked.sort();
    let own = [
        "",
        "/api/overview",
        "/api/recent",
        "/api/timeline",
        "/console.css",
        "/console.js",
        "/icon.svg",
    ];
    assert_eq!(
        asked,
        own.map(|path| format!("http://{shop}/console{path}"))
    );
}

fn is_blessed() -> bool {
    env::var_os("OBS_BLESS").is_some_and(|value| value == "1")
}

/// Looks at the size of the pictures, and puts them into the documentation where that was asked for.
fn keep(pictures: &Path) {
    for name in ["light", "dark", "phone", "timeline"] {
        let picture = pictures.join(format!("{name}.png"));
        let size = fs::metadata(&picture).expect("a picture").len();
        assert!((5_000..MAX_PICTURE).contains(&size), "{name}: {size} bytes");
        if is_blessed() {
            let folder = workspace().join("docs/console");
            fs::create_dir_all(&folder).expect("a folder");
            fs::copy(&picture, folder.join(format!("{name}.png"))).expect("a copy");
        }
    }
}
