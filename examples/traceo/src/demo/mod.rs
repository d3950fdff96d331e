//! `traceo demo`: both services, a third party that fails, and traffic to watch them by.
//!
//! The demonstration is a client like any other: it is not observed itself, and knows of the
//! services what they answer.

mod client;
mod files;
mod ledger;
mod pace;
mod scenes;
mod scrape;
mod screen;
mod stage;
mod traffic;
mod verdict;
mod watch;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

use crate::both::{Signals, stop_when_input_ends};
use crate::cli;
use crate::upstream::{Dial, serve_stand_in};
use pace::Timing;
use stage::{Broken, Stage};

/// How the demonstration ended.
enum End {
    AllHolds,
    NotAll,
    /// Somebody stopped it.
    Early,
}

/// Plays everything, or until it is told to stop.
pub(crate) fn run(options: cli::Demo) -> ExitCode {
    let end = runtime().and_then(|runtime| runtime.block_on(demo(options)));
    match end {
        Ok(End::AllHolds | End::Early) => ExitCode::SUCCESS,
        Ok(End::NotAll) => {
            complain("something did not hold that must; it is marked NOT SO above");
            ExitCode::FAILURE
        }
        Err(broken) => {
            complain(&broken.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Serves the third party, in a process of its own, until the one that started it is gone.
pub(crate) fn stand_in(listen: SocketAddr) -> ExitCode {
    let served = runtime().and_then(|runtime| {
        stop_when_input_ends().map_err(|error| Broken::System("watch standard input", error))?;
        let served = runtime.block_on(async {
            let listener = TcpListener::bind(listen).await?;
            serve_stand_in(listener, Dial::default()).await
        });
        served.map_err(|error| Broken::System("serve the third party", error))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            complain(&broken.to_string());
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<Runtime, Broken> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Broken::System("start", error))
}

async fn demo(options: cli::Demo) -> Result<End, Broken> {
    let mut signals = Signals::listen().map_err(|error| Broken::System("hear signals", error))?;
    let data = directory(options.data)?;
    let timing = Timing::of(options.pace);
    let mut stage = tokio::select! {
        stage = Stage::set(data, timing) => stage?,
        () = signals.next() => return Ok(End::Early),
    };
    stage.say(&welcome(&stage));
    let end = tokio::select! {
        end = play(&mut stage) => end,
        () = signals.next() => Ok(End::Early),
    };
    if matches!(end, Ok(End::Early)) {
        stage.say("\nStopped before the end.");
    }
    stage.clear().await;
    stage.say(&farewell(&stage));
    end
}

async fn play(stage: &mut Stage) -> Result<End, Broken> {
    scenes::play(stage).await?;
    let all_holds = verdict::verdict(stage).await?;
    Ok(if all_holds {
        End::AllHolds
    } else {
        End::NotAll
    })
}

/// Returns the directory for data and logs, which must hold none: what is counted is compared with
/// what was done.
fn directory(asked: Option<PathBuf>) -> Result<PathBuf, Broken> {
    let data = asked.unwrap_or_else(|| {
        std::env::temp_dir().join(format!("traceo-demo-{}", std::process::id()))
    });
    let data = std::path::absolute(&data).unwrap_or(data);
    let refused = |error| Broken::System("use the directory for data (`--data DIR`)", error);
    std::fs::create_dir_all(&data).map_err(refused)?;
    if std::fs::read_dir(&data).map_err(refused)?.next().is_some() {
        let text = format!("{} is not empty", data.display());
        return Err(refused(std::io::Error::other(text)));
    }
    Ok(data)
}

fn welcome(stage: &Stage) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "traceo".into());
    format!(
        "Both services run, with data and logs in {data}.\n\
         It takes about {seconds} s; Ctrl-C ends it.\n\n\
         MCP server  {mcp}/metrics\n\
         engine      {engine}/metrics\n\n\
         \"look\" is what to ask Prometheus, or to find on those pages; \"follow\" is for another\n\
         terminal, after  alias traceo='{program}'",
        data = stage.data.display(),
        program = program.display(),
        seconds = stage.timing.total.as_secs(),
        mcp = stage.addresses.mcp_url(),
        engine = stage.addresses.engine_url(),
    )
}

fn farewell(stage: &Stage) -> String {
    let trails = stage.ledger.trails().into_iter();
    let trails = trails.map(|trail| {
        format!(
            "  {}   # {}",
            stage.trace_command(&trail.correlation),
            trail.what
        )
    });
    format!(
        "Look further, in {data}, which stays until you remove it (some 300 MB):\n\n{trails}\n\n\
         Logs  {engine}\n      {mcp}",
        data = stage.data.display(),
        trails = trails.collect::<Vec<_>>().join("\n"),
        engine = stage.engine.log().display(),
        mcp = stage.mcp.log().display(),
    )
}

fn complain(why: &str) {
    let text = format!("traceo demo: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).ok();
}
