//! A service's process: started, told to stop, killed.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// A process that ends with the value, and with this process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// What keeps it alive: it stops when this is closed. Waiting for a child closes its standard
    /// input, so it is not left to the child.
    _input: Option<ChildStdin>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        // A group of its own: Ctrl-C is for this process, which then tells its children. They
        // would otherwise hear it twice, and the second signal ends a service at once.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take();
        Ok(Self {
            child,
            _input: input,
        })
    }

    /// Returns its id while it runs.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end. Cancelled, it can be called again.
    pub(crate) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Tells it to stop, and kills it if it has not ended within `limit`; says whether it ended by
    /// itself.
    pub(crate) async fn stop(&mut self, limit: Duration) -> bool {
        match self.child.id() {
            Some(id) => terminate(id),
            None => return true,
        }
        let ended = timeout(limit, self.child.wait()).await.is_ok();
        if !ended {
            self.kill().await;
        }
        ended
    }

    /// Ends it at once, as a crash would.
    pub(crate) async fn kill(&mut self) {
        // It fails for one that has ended, which is what is wanted.
        self.child.kill().await.ok();
    }
}

/// Asks a process to stop. One that has ended already does not mind.
pub(super) fn terminate(id: u32) {
    #[cfg(unix)]
    if let Some(id) = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
    }
    #[cfg(not(unix))]
    if id == std::process::id() {
        std::process::abort();
    }
}

/// Says how a process ended.
pub(super) fn how(status: &std::io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => {
            #[cfg(unix)]
            if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(status) {
                return format!("was ended by signal {signal}");
            }
            match status.code() {
                Some(code) => format!("ended with exit code {code}"),
                None => "ended".to_owned(),
            }
        }
        Err(error) => format!("cannot be waited for: {error}"),
    }
}
