//! Processes that end with the test that started them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::panicking;

/// A running process, whose standard error goes to a file. Dropped, it is killed by its process
/// id and, where the test failed, what it wrote is shown.
#[derive(Debug)]
pub struct Process {
    /// The process.
    pub child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, whose log goes to `folder/name.log`.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("a log file");
        let child = command
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self {
            child,
            name: name.to_owned(),
            log,
        }
    }

    /// What it has written to standard error up to now.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills it, as a machine that loses power would.
    pub fn kill(&mut self) {
        // A process that has ended by itself needs no killing.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Whether it has ended by itself.
    pub fn ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the end of what {} wrote:", self.name);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}
