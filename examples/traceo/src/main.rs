//! An MCP server that imports CSV files, observed by `obs`.

mod cli;
mod engine;
mod logging;
mod metrics;
mod server;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use cli::{Command, Serve, Transport};
use engine::{Engine, Limits};
use obs::Obs;
use server::{ServeError, serve_http, serve_stdio};

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("traceo: {error}\n\nTry `traceo --help`.");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("traceo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), ServeError> {
    match command {
        Command::Help => say(cli::HELP),
        Command::Version => say(concat!("traceo ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Metrics => {
            let obs = Obs::from_env(obs::service!())?.detached()?;
            say(&obs.report().to_string());
        }
        Command::Serve(options) => {
            logging::start()?;
            let obs = Obs::from_env(obs::service!())?.logs(false).install()?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            let served = runtime.block_on(serve(obs, options));
            // A read of standard input that waits for a line cannot be stopped.
            runtime.shutdown_timeout(Duration::from_millis(100));
            served?;
        }
    }
    Ok(())
}

/// Writes to standard output; nobody may be reading, which is no reason to panic.
fn say(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

async fn serve(obs: Obs, options: Serve) -> Result<(), ServeError> {
    let limits = Limits {
        file_bytes: options.max_file_bytes,
        ..Limits::default()
    };
    let data = options.data;
    let engine = Engine::open(&data, limits).await.map_err(|error| {
        let data = data.display();
        format!("cannot keep data in `{data}`: {error}; choose another place with `--data DIR`")
    })?;
    let served = match options.transport {
        Transport::Http {
            listen,
            stateless_json,
        } => serve_http(&obs, engine.clone(), listen, stateless_json, &data).await,
        Transport::Stdio => serve_stdio(&obs, engine.clone()).await,
    };
    engine.stop().await;
    served
}
