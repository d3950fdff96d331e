//! Services of this workspace, each in a process of its own.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Response, free_address};
use super::process::{Process, Signal, not_outliving_us, tell};
use super::wait_for;

/// How long a service has for ending.
pub const SHUTDOWN: Duration = Duration::from_secs(3);

/// Over and above [`SHUTDOWN`], for a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// A service that answers.
#[derive(Debug)]
pub struct Service {
    /// Where it listens.
    pub address: SocketAddr,
    /// The service.
    pub process: Process,
    folder: TempDir,
}

impl Service {
    /// Starts a program with these variables and no others of obs' own, its lines going to a file.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start(program: &Path, variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let lines = File::create(folder.path().join(LINES)).expect("a file");
        let output = lines.into();
        Self::start_in(
            folder,
            free_address(),
            program,
            &[],
            variables,
            output,
            None,
        )
    }

    /// Starts a program with arguments at an address that others have been told already.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start_at(
        address: SocketAddr,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let lines = File::create(folder.path().join(LINES)).expect("a file");
        let output = lines.into();
        Self::start_in(folder, address, program, arguments, variables, output, None)
    }

    /// Starts a program whose lines go elsewhere.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn writing_to(output: Stdio, program: &Path, variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self::start_in(
            folder,
            free_address(),
            program,
            &[],
            variables,
            output,
            None,
        )
    }

    /// Starts a program whose lines and last words go elsewhere.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn writing_to_both(
        output: Stdio,
        errors: Stdio,
        program: &Path,
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let errors = Some(errors);
        Self::start_in(
            folder,
            free_address(),
            program,
            &[],
            variables,
            output,
            errors,
        )
    }

    fn start_in(
        folder: TempDir,
        address: SocketAddr,
        program: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        output: Stdio,
        errors: Option<Stdio>,
    ) -> Self {
        let mut command = command(program, address, variables);
        command
            .args(arguments)
            .current_dir(folder.path())
            .stdout(output);
        let process = match errors {
            None => Process::start("service", folder.path(), &mut command),
            Some(errors) => Process::without_log("service", command.stderr(errors)),
        };
        let mut service = Self {
            address,
            process,
            folder,
        };
        wait_for("the service", Duration::from_secs(20), || {
            assert!(!service.process.ended(), "the service has ended");
            let response = http::get(address, "/startup", "*/*").ok()?;
            (response.status == 200).then_some(())
        });
        service
    }

    /// Gets a path.
    ///
    /// # Panics
    ///
    /// Where there is no answer.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        http::get_with(self.address, path, headers).expect("an answer")
    }

    /// Tells it to end, and waits until it has.
    ///
    /// # Panics
    ///
    /// Where it does not end in its time.
    pub fn terminate(&mut self) -> ExitStatus {
        tell(Signal::Term, [self.process.child.id()]);
        let ended = self.process.wait(SHUTDOWN + PATIENCE);
        ended.unwrap_or_else(|| panic!("still there {:?} after SIGTERM", SHUTDOWN + PATIENCE))
    }

    /// The lines up to now.
    ///
    /// # Panics
    ///
    /// Where one is not JSON.
    pub fn lines(&self) -> Vec<Value> {
        read_lines(&self.folder.path().join(LINES))
    }
}

/// Reads the lines of a service from a file.
///
/// # Panics
///
/// Where one is not JSON.
pub fn read_lines(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("a file");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")));
    lines.collect()
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.stop(Signal::Kill, PATIENCE);
    }
}

const LINES: &str = "lines.ndjson";

fn command(program: &Path, address: SocketAddr, variables: &[(&str, &str)]) -> Command {
    let mut command = if cfg!(target_os = "linux") {
        not_outliving_us(Signal::Kill, program)
    } else {
        Command::new(program)
    };
    // What the developer's shell says must not change what is tested.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LISTEN", address.to_string())
        .env("OBS_SHUTDOWN_TIMEOUT", format!("{}s", SHUTDOWN.as_secs()))
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}
