//! The wish to stop, from outside: the first signal begins, the second one ends everything.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Obs;
use super::stop::say;

/// What comes after the deadline is not worth waiting for.
const GRACE: Duration = Duration::from_millis(250);

/// The log gets this long when a second signal ends the process.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Watches signals and the deadline until it is told that the service has ended.
#[derive(Debug)]
pub(super) struct Watch {
    ended: Arc<AtomicBool>,
}

impl Watch {
    /// Starts to watch, on a thread and a runtime of its own: those of the service may be blocked
    /// by the very thing that somebody wants to stop.
    pub(super) fn start(obs: &Obs) -> io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let watch = Self {
            ended: Arc::clone(&ended),
        };
        let obs = obs.clone();
        let (ready, listening) = sync_channel(1);
        thread::Builder::new()
            .name("obs-signals".to_owned())
            .spawn(move || run(&obs, &ended, &ready))?;
        // Signals that come from now on are seen. A thread that ended has dropped the sender.
        listening
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread ended")))?;
        Ok(watch)
    }

    /// Says that the service has ended, so that no deadline counts any more.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

fn run(obs: &Obs, ended: &AtomicBool, ready: &SyncSender<io::Result<()>>) {
    let started = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| {
            let signals = runtime.block_on(async { Signals::listen() })?;
            Ok((runtime, signals))
        });
    match started {
        Ok((runtime, signals)) => {
            drop(ready.send(Ok(())));
            runtime.block_on(watch(obs, ended, signals));
        }
        Err(error) => drop(ready.send(Err(error))),
    }
}

async fn watch(obs: &Obs, ended: &AtomicBool, mut signals: Signals) {
    let shutdown = &obs.http().shutdown;
    let mut asked = false;
    if let First::Left(signal) = first(signals.next(), shutdown.begun()).await {
        asked = true;
        begin(obs, signal);
    }
    loop {
        let deadline = shutdown
            .deadline()
            .map_or_else(Instant::now, Instant::from_std);
        let overdue = async {
            sleep_until(deadline + GRACE).await;
            if ended.load(Ordering::Acquire) {
                std::future::pending::<()>().await;
            }
        };
        match first(signals.next(), overdue).await {
            First::Left(signal) if asked => exit(obs, signal.exit_code()),
            // The service stops by itself; this is the first that was heard from outside.
            First::Left(_) => asked = true,
            First::Right(()) => {
                say("obs: the service did not end in time; what was not sent is lost");
                exit(obs, 1)
            }
        }
    }
}

fn begin(obs: &Obs, signal: Signal) {
    obs.http().shutdown.begin();
    let (name, timeout) = (signal.name(), obs.http().settings.shutdown_timeout);
    let drain_delay = obs.http().shutdown.drain_delay();
    let say = move || {
        tracing::info!(
            target: "obs::run",
            signal = name,
            ?timeout,
            ?drain_delay,
            "stopping; a second signal ends the process at once"
        );
    };
    // A subscriber of the service's own may block, and this thread must hear the second signal.
    drop(thread::Builder::new().spawn(say));
}

#[expect(
    clippy::exit,
    reason = "nothing else ends a process whose threads do not answer"
)]
fn exit(obs: &Obs, code: i32) -> ! {
    let _ = obs.flush(LAST_WORDS);
    process::exit(code)
}

enum First<L, R> {
    Left(L),
    Right(R),
}

/// Waits for the first of two futures.
async fn first<L: Future, R: Future>(left: L, right: R) -> First<L::Output, R::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|cx| {
        if let Poll::Ready(left) = left.as_mut().poll(cx) {
            return Poll::Ready(First::Left(left));
        }
        right.as_mut().poll(cx).map(First::Right)
    })
    .await
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            #[cfg(unix)]
            Self::Terminate => "SIGTERM",
        }
    }

    /// As shells say it: 128 and the signal's number.
    const fn exit_code(self) -> i32 {
        match self {
            Self::Interrupt => 130,
            #[cfg(unix)]
            Self::Terminate => 143,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        match first(self.interrupt.recv(), self.terminate.recv()).await {
            First::Left(_) => Signal::Interrupt,
            First::Right(_) => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
