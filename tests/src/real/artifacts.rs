//! What is made of the example's declarations, in a folder of the test's own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::build;

/// The files, made freshly.
#[derive(Debug)]
pub struct Artifacts {
    folder: TempDir,
}

impl Artifacts {
    /// Makes all of them.
    ///
    /// # Panics
    ///
    /// Where they cannot be made.
    pub fn of_traceo() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let output = Command::new(build::traceo())
            .arg("artifacts")
            .arg(folder.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        Self { folder }
    }

    /// Where a file is, by its path below the root of a project.
    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// A file, by its path below the root of a project.
    ///
    /// # Panics
    ///
    /// Where it is none.
    pub fn read(&self, below: &str) -> String {
        let text = fs::read_to_string(self.path(below));
        text.unwrap_or_else(|error| panic!("{below}: {error}"))
    }

    /// The files of a folder that end in this, sorted.
    ///
    /// # Panics
    ///
    /// Where there is no such folder.
    pub fn files(&self, below: &str, end: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(below)).unwrap_or_else(|error| {
            panic!("{below}: {error}");
        });
        let paths = entries.map(|it| it.expect("an entry").path());
        let mut paths: Vec<PathBuf> = paths
            .filter(|it| it.to_string_lossy().ends_with(end))
            .collect();
        paths.sort();
        paths
    }

    /// Puts the addresses of services where the scrape configuration of their environment names them
    /// by host, and gives Prometheus their token; other environments, and what else the stack has,
    /// are not scraped. Returns the folder that a Prometheus starts on.
    ///
    /// # Panics
    ///
    /// Where the configuration names a service otherwise.
    pub fn scrape(&self, services: &[(&str, &str, SocketAddr)], token: &str) -> PathBuf {
        let folder = self.path("deploy/prometheus");
        for file in self.files("deploy/prometheus/targets", ".yml") {
            let here = file.file_stem().map(|it| it.to_string_lossy().into_owned());
            let is_here = |it: &&(&str, &str, SocketAddr)| here.as_deref() == Some(it.0);
            for (_, host, address) in services.iter().filter(is_here) {
                replace(&file, host, &address.to_string());
            }
            if !services.iter().any(|it| is_here(&it)) {
                fs::remove_file(file).expect("it can be removed");
            }
        }
        for file in self.files("deploy/prometheus/stack", ".yml") {
            fs::remove_file(file).expect("it can be removed");
        }
        let secrets = folder.join("secrets");
        fs::create_dir_all(&secrets).expect("a folder");
        fs::write(secrets.join("metrics-token"), token).expect("a token");
        folder
    }

    /// Lets Prometheus scrape and evaluate each second, for tests that cannot wait.
    ///
    /// # Panics
    ///
    /// Where the configuration says otherwise how often.
    pub fn hurry(&self) {
        let file = self.path("deploy/prometheus/prometheus.yml");
        replace(&file, "scrape_interval: 15s", "scrape_interval: 1s");
        replace(&file, "evaluation_interval: 15s", "evaluation_interval: 1s");
        replace(&file, "scrape_timeout: 10s", "scrape_timeout: 1s");
        for file in self.files("deploy/prometheus/rules", ".yml") {
            let text = fs::read_to_string(&file).expect("rules");
            let hurried = text.lines().map(|line| {
                let indent = line.len() - line.trim_start().len();
                if line.trim_start().starts_with("interval: ") {
                    format!("{}interval: 1s\n", &line[..indent])
                } else {
                    format!("{line}\n")
                }
            });
            fs::write(&file, hurried.collect::<String>()).expect("rules");
        }
    }
}

/// # Panics
///
/// Where there is nothing to replace.
fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).expect("a file");
    let shown = file.display();
    assert!(text.contains(old), "{shown} has no {old}: {text}");
    fs::write(file, text.replace(old, new)).expect("it can be written");
}
