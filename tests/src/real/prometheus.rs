//! A real Prometheus: started on a configuration, and asked through its API.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::component::Component;
use super::http::{self, free_address};
use super::process::{Process, Signal, not_outliving_us};
use super::wait_for;

/// How long it may take to start, beside others.
const START: Duration = Duration::from_secs(30);

/// Prometheus looks for new targets every five seconds, and then scrapes at a moment of its own.
const FIRST_SCRAPE: Duration = Duration::from_secs(40);

/// A running Prometheus with a folder of its own, which ends with it.
#[derive(Debug)]
pub struct Prometheus {
    /// Where its API listens.
    pub address: SocketAddr,
    folder: TempDir,
    config: PathBuf,
    process: Process,
}

impl Prometheus {
    /// Starts it on the text of a configuration.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(config: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, config).expect("a configuration");
        Self::run(folder, file)
    }

    /// Starts it on a copy of a folder that has a `prometheus.yml`, and whatever that names.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_on(folder: &Path) -> Self {
        let own = TempDir::new().expect("a temporary folder");
        let copy = own.path().join("configuration");
        copy_tree(folder, &copy);
        Self::run(own, copy.join("prometheus.yml"))
    }

    /// Starts it on a folder that has a `prometheus.yml`, where it lies: who changes a file there
    /// changes what [`reload`](Self::reload) reads.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_in(folder: &Path) -> Self {
        let own = TempDir::new().expect("a temporary folder");
        Self::run(own, folder.join("prometheus.yml"))
    }

    /// Starts it on one target under the name `job`, scraped every second.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn scraping(job: &str, target: SocketAddr) -> Self {
        Self::start(&format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: {job}\n    static_configs: [{{targets: ['{target}']}}]\n"
        ))
    }

    fn run(folder: TempDir, config: PathBuf) -> Self {
        let address = free_address();
        let mut command = not_outliving_us(Signal::Kill, Component::Prometheus.path());
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("tsdb").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-lifecycle")
            .arg("--enable-feature=exemplar-storage")
            .arg("--log.level=warn");
        let process = Process::start("prometheus", folder.path(), &mut command);
        let mut prometheus = Self {
            address,
            folder,
            config,
            process,
        };
        wait_for("a Prometheus that is ready", START, || {
            let ended = prometheus.process.ended();
            assert!(!ended, "it has ended: {}", prometheus.log());
            let ready = http::get(address, "/-/ready", "*/*").ok()?;
            (ready.status == 200).then_some(())
        });
        prometheus
    }

    /// What it wrote: warnings and errors only.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The process id, for what watches it.
    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// The folder with its configuration, which [`reload`](Self::reload) reads again.
    ///
    /// # Panics
    ///
    /// Never: the file is in a folder.
    pub fn folder(&self) -> &Path {
        let parent = self.config.parent();
        parent.unwrap_or_else(|| self.folder.path())
    }

    /// Reads its configuration again, and says what it did not like.
    ///
    /// # Errors
    ///
    /// The configuration is refused, and the one before stays.
    ///
    /// # Panics
    ///
    /// Where it does not answer.
    pub fn reload(&self) -> Result<(), String> {
        let answer = http::post(self.address, "/-/reload", &[], "", START);
        let answer = answer.expect("an answer");
        if answer.status == 200 {
            return Ok(());
        }
        Err(answer.body)
    }

    /// The `data` of an answer of the API, or what it complains about.
    ///
    /// # Errors
    ///
    /// The query is refused, or nobody answers.
    pub fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let mut query = String::new();
        for (at, (name, value)) in parameters.iter().enumerate() {
            let before = if at == 0 { '?' } else { '&' };
            query.push(before);
            query.push_str(name);
            query.push('=');
            query.push_str(&percent_encoded(value));
        }
        let path = format!("/api/v1/{path}{query}");
        let answer = http::get(self.address, &path, "application/json");
        let answer = answer.map_err(|error| error.to_string())?;
        let body: Value = serde_json::from_str(&answer.body)
            .map_err(|error| format!("{error}: {}", answer.body))?;
        if body["status"] == "success" {
            return Ok(body["data"].clone());
        }
        Err(body["error"].as_str().unwrap_or(&answer.body).to_owned())
    }

    /// The samples of a query at this moment; a scalar is one.
    ///
    /// # Errors
    ///
    /// The query is refused, or nobody answers.
    pub fn query(&self, query: &str) -> Result<Vec<Sample>, String> {
        let data = self.api("query", &[("query", query)])?;
        match data["resultType"].as_str() {
            Some("scalar" | "string") => Ok(vec![Sample::at(Value::Null, &data["result"])]),
            _ => Ok(list(&data["result"])
                .iter()
                .map(|it| Sample::at(it["metric"].clone(), &it["value"]))
                .collect()),
        }
    }

    /// The series of a query between two moments, as seconds since 1970, with their points.
    ///
    /// # Errors
    ///
    /// The query is refused, or nobody answers.
    pub fn query_range(
        &self,
        query: &str,
        start: f64,
        end: f64,
        step: f64,
    ) -> Result<Vec<Value>, String> {
        let [start, end, step] = [start, end, step].map(|it| it.to_string());
        let parameters = [
            ("query", query),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("step", step.as_str()),
        ];
        Ok(list(&self.api("query_range", &parameters)?["result"]))
    }

    /// The series of a query that have exemplars, with these.
    ///
    /// # Errors
    ///
    /// The query is refused, or nobody answers.
    pub fn exemplars(&self, query: &str) -> Result<Vec<Value>, String> {
        let all_time = [("query", query), ("start", "0"), ("end", "4102444800")];
        Ok(list(&self.api("query_exemplars", &all_time)?))
    }

    /// The values of a label, sorted: those of `__name__` are the names of all metrics.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub fn label_values(&self, label: &str) -> Result<Vec<String>, String> {
        let values = self.api(&format!("label/{label}/values"), &[])?;
        let texts = list(&values)
            .into_iter()
            .map(|it| it.as_str().unwrap_or_default().to_owned());
        Ok(texts.collect())
    }

    /// Its rules, of all groups: each with `name`, `query`, `type`, `health` and `lastError`.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub fn rules(&self) -> Result<Vec<Value>, String> {
        let groups = list(&self.api("rules", &[])?["groups"]);
        Ok(groups.iter().flat_map(|it| list(&it["rules"])).collect())
    }

    /// The alerts that are pending or firing.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub fn alerts(&self) -> Result<Vec<Value>, String> {
        Ok(list(&self.api("alerts", &[])?["alerts"]))
    }

    /// Its targets: each with `health`, `lastError` and `labels`.
    ///
    /// # Errors
    ///
    /// Nobody answers.
    pub fn targets(&self) -> Result<Vec<Value>, String> {
        Ok(list(&self.api("targets", &[])?["activeTargets"]))
    }

    /// Waits until a target was scraped, well or not.
    ///
    /// # Panics
    ///
    /// Where it is not.
    pub fn scraped(&self, target: SocketAddr) -> Value {
        let target = target.to_string();
        wait_for("the first scrape", FIRST_SCRAPE, || {
            let targets = self.targets().ok()?;
            let mut targets = targets.into_iter();
            let found = targets.find(|it| it["labels"]["instance"] == *target)?;
            (found["health"] != "unknown").then_some(found)
        })
    }

    /// Waits until a target is up.
    ///
    /// # Panics
    ///
    /// Where it is not: says why.
    pub fn is_up(&self, target: SocketAddr) {
        let found = self.scraped(target);
        assert_eq!(found["health"], "up", "{found}");
        assert_eq!(found["lastError"], "", "{found}");
    }

    /// Waits until a query has samples.
    ///
    /// # Panics
    ///
    /// Where it is refused, or has none in time.
    pub fn wait_for_samples(&self, query: &str, limit: Duration) -> Vec<Sample> {
        wait_for(query, limit, || {
            let samples = self.query(query);
            let samples = samples.unwrap_or_else(|error| panic!("{query}: {error}"));
            (!samples.is_empty()).then_some(samples)
        })
    }
}

/// A sample of a query.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its labels, as an object.
    pub labels: Value,
    /// Its value.
    pub value: f64,
}

impl Sample {
    fn at(labels: Value, pair: &Value) -> Self {
        let value = pair[1].as_str().and_then(|it| it.parse().ok());
        Self {
            labels,
            value: value.unwrap_or(f64::NAN),
        }
    }

    /// A label; nothing where there is none.
    pub fn label(&self, name: &str) -> &str {
        self.labels[name].as_str().unwrap_or_default()
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_tree(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
}
