//! An alert from its cause to the people: a dependency is killed, a real Prometheus with the
//! generated rules notices, a real Alertmanager with the generated routes tells the right one, and
//! the page silences its warning.
//!
//! What is changed of the generated files is only how long everything takes: minutes become seconds.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use obs_tests::real::alertmanager::{Alertmanager, has};
use obs_tests::real::component::{Component, available};
use obs_tests::real::http;
use obs_tests::real::prometheus::Prometheus;
use obs_tests::real::redis::Redis;
use obs_tests::real::service::Service;
use obs_tests::real::{build, wait_for};
use tempfile::TempDir;

/// For everything that takes several evaluations, beside others on the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service of the rules that the shop stands in for, with the metrics that they look at.
const SERVICE: &str = "traceo-engine";

#[test]
fn a_killed_dependency_fires_is_routed_and_silences_its_warning() {
    if !available(&[
        Component::Prometheus,
        Component::Alertmanager,
        Component::Redis,
    ]) {
        return;
    }
    let mut redis = Redis::start();
    let url = redis.url();
    let service = Service::start(&build::shop(), &[("OBS_ENV", "dev"), ("REDIS_URL", &url)]);
    let probes = Probes::of(service.address);
    let (slack, mail) = (Slack::listening(), Mail::listening());
    let root = TempDir::new().expect("a folder");
    let deploy = artifacts(&root);
    let alertmanager = alertmanager(&deploy, &slack, &mail);
    let prometheus = prometheus(&deploy, service.address, alertmanager.address);
    prometheus.is_up(service.address);
    let up = "obs_check_up{service=\"traceo-engine\",environment=\"prod\",check=\"redis\"} == 1";
    prometheus.wait_for_samples(up, PATIENCE);
    assert!(slack.said().is_empty() && mail.said().is_empty());

    redis.process.kill();

    let page = alert("DependencyDown", "page");
    let warning = alert("DependencyDown", "warning");
    let paged = alertmanager.wait_for_alert(&page, PATIENCE);
    assert_eq!(paged["receivers"][0]["name"], "page-slack", "{paged}");
    assert_eq!(paged["labels"]["check"], "redis", "{paged}");
    assert!(
        paged["annotations"]["runbook_url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/DependencyDown.md")),
        "{paged}"
    );
    let inhibited = wait_for("a warning that the page silences", PATIENCE, || {
        let alerts = alertmanager.alerts();
        let warned = alerts.into_iter().find(|alert| has(alert, &warning))?;
        (warned["status"]["state"] == "suppressed").then_some(warned)
    });
    assert_eq!(inhibited["receivers"][0]["name"], "warning-email");
    let by = inhibited["status"]["inhibitedBy"].as_array();
    assert_eq!(
        by.map(Vec::as_slice),
        Some(&[paged["fingerprint"].clone()][..]),
        "{inhibited}"
    );
    let message = wait_for("the page in the channel", PATIENCE, || {
        slack.said().into_iter().next()
    });
    for part in [
        "\"channel\":\"#shop-alerts\"",
        "DependencyDown",
        "traceo-engine does not reach redis",
        "/DependencyDown.md",
    ] {
        assert!(message.contains(part), "{part}: {message}");
    }

    // The service itself goes. Its page ends no earlier than the first, and nothing of it is mailed.
    drop(probes);
    drop(service);
    let gone = alert("TargetDown", "page");
    let gone = alertmanager.wait_for_alert(&gone, PATIENCE);
    assert_eq!(gone["receivers"][0]["name"], "page-slack", "{gone}");

    // A warning without a page is mailed, and to the alias.
    let warned = alert("ScrapeRejected", "warning");
    send(&alertmanager, &warned);
    let letter = wait_for("the warning in the mail", PATIENCE, || {
        mail.said().into_iter().next()
    });
    for part in [
        "team@example.com",
        "alertmanager@example.com",
        "ScrapeRejected",
    ] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    assert!(
        !mail.said().iter().any(|it| it.contains("DependencyDown")),
        "what somebody was called for was mailed, too"
    );
    assert!(
        !slack.said().iter().any(|it| it.contains("ScrapeRejected")),
        "somebody was called for a warning"
    );
    let log = prometheus.log() + &alertmanager.log();
    assert!(!log.contains("level=error"), "{log}");
}

fn alert<'a>(name: &'a str, severity: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("alertname", name),
        ("severity", severity),
        ("service", SERVICE),
        ("environment", "prod"),
    ]
}

/// Says an alert as Prometheus would.
fn send(alertmanager: &Alertmanager, labels: &[(&str, &str)]) {
    let labels: serde_json::Map<_, _> = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    let body = serde_json::json!([{ "labels": labels }]).to_string();
    let kind = [("Content-Type", "application/json")];
    let path = "/api/v2/alerts";
    let answer = http::post(alertmanager.address, path, &kind, &body, PATIENCE);
    assert_eq!(answer.expect("an answer").status, 200);
}

fn artifacts(root: &TempDir) -> std::path::PathBuf {
    let made = Command::new(build::traceo())
        .arg("artifacts")
        .arg(root.path())
        .output()
        .expect("it starts");
    assert!(made.status.success(), "{made:?}");
    root.path().join("deploy")
}

/// A Prometheus with the generated rules of prod, whose `for` are seconds where they are minutes.
fn prometheus(deploy: &Path, target: SocketAddr, alertmanager: SocketAddr) -> Prometheus {
    let folder = TempDir::new().expect("a folder");
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).expect("a folder");
    for name in ["recording.yml", "alerts-prod.yml"] {
        let text = fs::read_to_string(deploy.join("prometheus/rules").join(name));
        let quick: String = text
            .expect("rules")
            .lines()
            .map(|line| match line.trim().strip_prefix("for: ") {
                Some(_) => line.replace('m', "s") + "\n",
                None => line.to_owned() + "\n",
            })
            .collect();
        fs::write(rules.join(name), quick).expect("a file");
    }
    let config = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: [rules/*.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs:\n  - job_name: traceo\n    honor_labels: true\n    static_configs:\n      \
         - targets: ['{target}']\n        labels: {{service: {SERVICE}, environment: prod}}\n"
    );
    fs::write(folder.path().join("prometheus.yml"), config).expect("a configuration");
    Prometheus::start_on(folder.path())
}

/// An Alertmanager with the generated routes, which waits for seconds where it waits for minutes.
fn alertmanager(deploy: &Path, slack: &Slack, mail: &Mail) -> Alertmanager {
    let config = fs::read_to_string(deploy.join("alertmanager/alertmanager.yml"));
    let config = config
        .expect("a configuration")
        .replace("group_wait: 10s", "group_wait: 1s")
        // Longer than a page takes to follow its warning.
        .replace("group_wait: 1m", "group_wait: 5s")
        .replace("group_interval: 5m", "group_interval: 1s")
        // The listener of this test speaks no TLS.
        .replace(
            "smtp_smarthost: mail:25",
            &format!(
                "smtp_smarthost: {}\n  smtp_require_tls: false",
                mail.0.address
            ),
        );
    assert!(config.contains("smtp_require_tls"), "{config}");
    let receivers = "{{ define \"page.channel\" }}#shop-alerts{{ end }}\n\
                     {{ define \"warning.to\" }}team@example.com{{ end }}\n\
                     {{ define \"mail.from\" }}alertmanager@example.com{{ end }}\n";
    let webhook = format!("http://{}/services/T0/B0/secret", slack.0.address);
    Alertmanager::start(
        &config,
        &[("slack-url", &webhook), ("receivers.tmpl", receivers)],
    )
}

/// Asks the service whether it is ready, as a platform does: that is when its checks are asked.
struct Probes(Arc<AtomicBool>);

impl Probes {
    fn of(address: SocketAddr) -> Self {
        let go_on = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&go_on);
        thread::spawn(move || {
            while asked.load(Ordering::Relaxed) {
                // What it answers is seen in its metrics.
                drop(http::get(address, "/ready", "*/*"));
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self(go_on)
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A server of this test, and what it was told.
struct Listener {
    address: SocketAddr,
    said: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn start(talk: fn(TcpStream) -> Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let said = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&said);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let limit = Some(Duration::from_secs(10));
                drop(stream.set_read_timeout(limit));
                let text = talk(stream);
                told.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(text);
            }
        });
        Self { address, said }
    }

    fn said(&self) -> Vec<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }
}

/// What an incoming webhook of Slack is to its caller.
struct Slack(Listener);

impl Slack {
    fn listening() -> Self {
        Self(Listener::start(|stream| {
            let mut reader = BufReader::new(stream);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
                let line = line.trim().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            reader.get_mut().write_all(answer.as_bytes()).ok()?;
            String::from_utf8(body).ok()
        }))
    }

    fn said(&self) -> Vec<String> {
        self.0.said()
    }
}

/// What a mail relay is to its caller: takes everything, and keeps the whole conversation.
struct Mail(Listener);

impl Mail {
    fn listening() -> Self {
        Self(Listener::start(|stream| {
            let mut reader = BufReader::new(stream);
            let mut said = String::new();
            reader.get_mut().write_all(b"220 here\r\n").ok()?;
            let mut is_letter = false;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return Some(said);
                }
                said.push_str(&line);
                let answer = match line.trim_end() {
                    "." if is_letter => {
                        is_letter = false;
                        "250 taken"
                    }
                    _ if is_letter => continue,
                    "DATA" => {
                        is_letter = true;
                        "354 go on"
                    }
                    "QUIT" => {
                        drop(reader.get_mut().write_all(b"221 bye\r\n"));
                        return Some(said);
                    }
                    _ => "250 fine",
                };
                let answer = format!("{answer}\r\n");
                reader.get_mut().write_all(answer.as_bytes()).ok()?;
            }
        }))
    }

    fn said(&self) -> Vec<String> {
        self.0.said()
    }
}
