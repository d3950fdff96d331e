//! `traceo` without a command, its two children, and as little of an HTTP client as it takes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const TRACEO: &str = env!("CARGO_BIN_EXE_traceo");

/// How long anything may take here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// The process is killed when the test is over, and its children end with it.
pub(crate) struct Both {
    pub(crate) process: Child,
    pub(crate) mcp: String,
    pub(crate) engine: String,
    pub(crate) welcome: String,
    told: PathBuf,
    /// Open, so that what is written later does not fail.
    out: Option<BufReader<ChildStdout>>,
}

impl Both {
    /// Starts it and waits until it says that both services run.
    pub(crate) fn start(data: &TempDir) -> Self {
        let mut both = Self::spawn(data);
        let mut out = BufReader::new(both.process.stdout.take().unwrap());
        while !both.welcome.contains("Ctrl-C") {
            let read = out.read_line(&mut both.welcome).unwrap();
            assert_ne!(read, 0, "{}", both.told());
        }
        let mut addresses = both.welcome.match_indices("http://").map(|(at, scheme)| {
            let rest = &both.welcome[at + scheme.len()..];
            rest.split_once('/').unwrap().0.to_owned()
        });
        (both.mcp, both.engine) = (addresses.next().unwrap(), addresses.next().unwrap());
        both.out = Some(out);
        both
    }

    pub(crate) fn spawn(data: &TempDir) -> Self {
        let told = data.path().join("told");
        let process = Command::new(TRACEO)
            .args([
                "--mcp-listen",
                "127.0.0.1:0",
                "--engine-listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data.path())
            .env("OBS_ENV", "dev")
            .env_remove("LOG_FORMAT")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&told).unwrap())
            .spawn()
            .unwrap();
        Self {
            process,
            mcp: String::new(),
            engine: String::new(),
            welcome: String::new(),
            told,
            out: None,
        }
    }

    /// What it has written to standard error.
    pub(crate) fn told(&self) -> String {
        std::fs::read_to_string(&self.told).unwrap()
    }

    /// The ids of the processes it has started.
    pub(crate) fn children(&self) -> Vec<u32> {
        let parent = self.process.id().to_string();
        let output = Command::new("ps")
            .args(["-o", "pid=", "--ppid", &parent])
            .output();
        let listed = String::from_utf8(output.unwrap().stdout).unwrap();
        listed
            .split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    }

    /// The process of a service, by its command line.
    pub(crate) fn find(&self, service: &str) -> Option<u32> {
        self.children().into_iter().find(|id| {
            let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            command.split(|byte| *byte == 0).nth(1) == Some(service.as_bytes())
        })
    }

    pub(crate) fn child(&self, service: &str) -> u32 {
        self.find(service).expect("the service runs")
    }

    pub(crate) fn stop(&mut self, name: &str) -> ExitStatus {
        signal(name, self.process.id());
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                self.out = None;
                return status;
            }
            assert!(start.elapsed() < LIMIT, "{}", self.told());
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Both {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

pub(crate) fn is_running(process: u32) -> bool {
    // One that has ended and that nobody has waited for is still listed.
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "{what}: not within {LIMIT:?}");
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
