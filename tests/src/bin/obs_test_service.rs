//! A service whose start and stop are tested from outside: the first argument says what it does.

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io::Write;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use obs::{BoxError, Obs};

fn main() -> ExitCode {
    let mode = std::env::args().nth(1).unwrap_or_default();
    match mode.as_str() {
        "config" => config(),
        "parts" => parts(),
        "mcp_stdio" => match Obs::from_env(obs::service!()) {
            Ok(setup) => setup.mcp_stdio().run(|_| async {
                println!("protocol");
                Ok(())
            }),
            Err(_) => ExitCode::from(78),
        },
        "before_init" => {
            // Metrics, panics and contexts before anything is installed.
            metrics::counter!("early").increment(1);
            drop(thread::spawn(|| panic!("early")).join());
            obs::Ctx::new().scope(|| tracing::info!("early"));
            obs::run(obs::service!(), |obs| body(obs, mode))
        }
        _ => obs::run(obs::service!(), |obs| body(obs, mode)),
    }
}

async fn body(obs: Obs, mode: String) -> Result<(), BoxError> {
    match mode.as_str() {
        "error" => return Err(Outer.into()),
        "panic" => panic!("the body panicked with password=hunter2"),
        "wait" => {
            ready();
            obs.shutdown().begun().await;
        }
        "begin" => obs.shutdown().begin(),
        "stubborn" => {
            ready();
            pending::<()>().await;
        }
        "blocked" => {
            ready();
            thread::sleep(Duration::from_secs(3600));
        }
        "burst" => {
            ready();
            obs.shutdown().begun().await;
            for n in 0..10_000 {
                // As fast as the writer, whose queue is bounded.
                if n % 500 == 0 {
                    let losses = obs.flush(Duration::from_secs(5));
                    assert!(losses.is_empty(), "{losses}");
                }
                tracing::info!(n, "burst");
            }
        }
        "spans" => {
            for n in 0..2_048 {
                drop(tracing::info_span!("work", n));
            }
            ready();
            obs.shutdown().begun().await;
        }
        "flood" => {
            ready();
            for n in 0..200_000 {
                tracing::info!(n, "flood");
            }
            obs.shutdown().begun().await;
        }
        "left_behind" => {
            let guard = Says("a task that nobody waited for was dropped");
            obs::spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            // It has to be there before it can be left.
            tokio::task::yield_now().await;
        }
        "tail" => {
            drop(obs::spawn(async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                tracing::info!("the last batch is saved");
            }));
        }
        "panics" => panics().await,
        "bridge" => log::warn!(target: "old::crate", "through the log crate"),
        _ => {}
    }
    Ok(())
}

/// Tells the test that the signals are listened to.
fn ready() {
    drop(writeln!(std::io::stderr(), "ready"));
}

struct Says(&'static str);

impl Drop for Says {
    fn drop(&mut self) {
        tracing::info!("{}", self.0);
    }
}

/// Panics in every place that is awkward; none of them may end the process.
async fn panics() {
    struct PanicsWhileDropped;
    impl Drop for PanicsWhileDropped {
        fn drop(&mut self) {
            // Caught within the drop, because a panic that leaves it aborts by the language's rule.
            drop(std::panic::catch_unwind(|| panic!("in a drop")));
        }
    }
    struct PanicsWhileShown;
    impl fmt::Debug for PanicsWhileShown {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("while shown")
        }
    }
    drop(
        thread::spawn(|| {
            let _guard = PanicsWhileDropped;
            panic!("in a thread")
        })
        .join(),
    );
    let ctx = obs::Ctx::new();
    tracing::info!(id = ctx.correlation_id(), "known");
    let task = ctx.scope(|| obs::spawn(async { panic!("in a task") }));
    drop(task.await);
    tracing::info!(value = ?PanicsWhileShown, "shown");
    drop(thread::spawn(|| std::panic::panic_any(7)).join());
}

/// Installs, logs and stops by hand.
fn parts() -> ExitCode {
    let Ok(setup) = Obs::from_env(obs::service!()) else {
        return ExitCode::from(78);
    };
    let Ok(obs) = setup.install() else {
        return ExitCode::from(78);
    };
    tracing::info!("in parts");
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| drop_losses(&obs.clone().stop(Duration::from_secs(5))));
        }
    });
    tracing::info!("after the stop");
    let losses = obs.stop(Duration::from_secs(5));
    assert_eq!(losses.to_string(), "1 log line was dropped");
    ExitCode::SUCCESS
}

fn drop_losses(losses: &obs::Losses) {
    assert!(losses.is_empty(), "{losses}");
}

fn config() -> ExitCode {
    match Obs::from_env(obs::service!()) {
        Ok(setup) => {
            println!("{}", setup.configuration());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(78)
        }
    }
}

#[derive(Debug)]
struct Outer;

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the port is taken")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Inner)
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the inner cause")
    }
}

impl Error for Inner {}
