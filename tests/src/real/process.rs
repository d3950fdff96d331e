//! Processes that end with the test that started them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{panicking, sleep};
use std::time::{Duration, Instant};

use super::tree::Tree;

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
        Self::spawn(name, log, command.stderr(file))
    }

    /// Starts `command`, whose log goes to the end of `log`, behind what others wrote.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn appending(name: &str, log: &Path, command: &mut Command) -> Self {
        let file = File::options().create(true).append(true).open(log);
        let file = file.expect("a log file");
        Self::spawn(name, log.to_owned(), command.stderr(file))
    }

    /// Starts `command`, whose standard error is the caller's affair.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    pub fn without_log(name: &str, command: &mut Command) -> Self {
        Self::spawn(name, PathBuf::new(), command)
    }

    fn spawn(name: &str, log: PathBuf, command: &mut Command) -> Self {
        let child = command
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

/// What a process can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End.
    Term,
    /// End, as by Ctrl-C.
    Int,
    /// Stand still. It cannot be refused.
    Stop,
    /// Go on.
    Cont,
    /// End at once. It cannot be refused.
    Kill,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
            Self::Kill => "KILL",
        }
    }
}

/// Sends a signal to some processes. One that has ended already does not mind.
pub fn tell(signal: Signal, processes: impl IntoIterator<Item = u32>) {
    let processes: Vec<String> = processes.into_iter().map(|id| id.to_string()).collect();
    if processes.is_empty() {
        return;
    }
    let mut kill = Command::new("kill");
    kill.args(["-s", signal.name(), "--"]).args(processes);
    // Whether they have heard it shows in what they do.
    drop(kill.stdin(Stdio::null()).stderr(Stdio::null()).status());
}

/// A command whose process also gets a signal when the thread that started it ends without having
/// stopped it, because the whole test was killed. Linux only, as the components are.
pub fn not_outliving_us(signal: Signal, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--pdeathsig={}", signal.name()))
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

impl Process {
    /// Lets it and everything it has started stand still.
    pub fn freeze(&self) {
        // The parent first: it starts nothing any more while its children are looked for.
        tell(Signal::Stop, [self.child.id()]);
        tell(Signal::Stop, Tree::of(self.child.id()).descendants());
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        tell(Signal::Cont, Tree::of(self.child.id()).all());
    }

    /// Waits for its end, which `None` says did not come in time.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let end = Instant::now() + limit;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= end {
                return None;
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Tells it to end, and whatever of it is still there after `limit` is killed: everything it
    /// has started, too.
    pub fn stop(&mut self, signal: Signal, limit: Duration) {
        if self.ended() {
            return;
        }
        let tree = Tree::of(self.child.id());
        tell(Signal::Cont, tree.all());
        tell(signal, [self.child.id()]);
        if self.wait(limit).is_none() {
            self.kill();
        }
        tell(Signal::Kill, tree.still_there());
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
