//! An MCP server that imports CSV files, observed by `obs`.

mod cli;
mod engine;
mod metrics;
mod server;
mod trace;

use std::io::Write;
use std::process::ExitCode;

use cli::{Command, Serve, Transport};
use engine::{Engine, Limits};
use obs::{BoxError, Obs, Setup};
use server::{serve_http, serve_stdio};
use trace::Asked;

/// `EX_CONFIG` of `sysexits.h`, as `obs::run` exits where a variable cannot be understood.
const MISCONFIGURED: u8 = 78;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return refuse(2, &format!("{error}\n\nTry `traceo --help`.")),
    };
    match command {
        Command::Help => say(cli::HELP),
        Command::Version => say(concat!("traceo ", env!("CARGO_PKG_VERSION"), "\n")),
        Command::Trace(Asked::Help) => say(trace::HELP),
        Command::Trace(Asked::Trace(options)) => return trace::run(&options),
        Command::Metrics => return with_setup(print_metrics),
        Command::Config => return with_setup(print_configuration),
        Command::Serve(options) => {
            return with_setup(|setup| setup.run(|obs| serve(obs, options)));
        }
    }
    ExitCode::SUCCESS
}

/// Reads the variables of the environment.
fn with_setup(then: impl FnOnce(Setup) -> ExitCode) -> ExitCode {
    match Obs::from_env(obs::service!()) {
        // Standard output belongs to MCP, and over HTTP to what a person is told.
        Ok(setup) => then(setup.mcp_stdio()),
        Err(error) => refuse(MISCONFIGURED, &error.to_string()),
    }
}

fn print_metrics(setup: Setup) -> ExitCode {
    match setup.detached() {
        Ok(obs) => {
            say(&obs.report().to_string());
            ExitCode::SUCCESS
        }
        Err(error) => refuse(MISCONFIGURED, &error.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as the others")]
fn print_configuration(setup: Setup) -> ExitCode {
    say(&format!("{}\n", setup.configuration()));
    ExitCode::SUCCESS
}

/// Writes to standard output; nobody may be reading, which is no reason to panic.
fn say(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

fn refuse(code: u8, why: &str) -> ExitCode {
    let text = format!("traceo: {why}\n");
    std::io::stderr().write_all(text.as_bytes()).ok();
    ExitCode::from(code)
}

async fn serve(obs: Obs, options: Serve) -> Result<(), BoxError> {
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
