//! An MCP server and an engine that import CSV files, observed by `obs`.

mod api;
mod both;
mod cli;
mod csv;
mod database;
mod demo;
mod engine;
mod listen;
mod mcp;
mod metrics;
mod settings;
mod telemetry;
mod trace;
mod upstream;

use std::io::Write;
use std::process::ExitCode;

use cli::Command;
use settings::Settings;
use telemetry::artifacts::Outcome;
use telemetry::{Role, Start, Surroundings, Telemetry};

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
        Command::Trace(trace::Asked::Help) => say(trace::HELP),
        Command::Trace(trace::Asked::Trace(options)) => return trace::run(&options),
        Command::Metrics(roles) => return for_each(&roles, print_metrics),
        Command::Config(roles) => return for_each(&roles, print_configuration),
        Command::Artifacts(asked) => match telemetry::artifacts::run(&asked) {
            Ok(Outcome::Fine(text)) => say(&text),
            Ok(Outcome::Not(text)) => {
                say(&text);
                return ExitCode::FAILURE;
            }
            Err(error) => return refuse(2, &error.to_string()),
        },
        Command::Both(options) => {
            return with_surroundings(|surroundings| both::run(&options, &surroundings));
        }
        Command::Demo(options) => return with_surroundings(|_| demo::run(options)),
        Command::StandIn(listen) => return demo::stand_in(listen),
        Command::Mcp(options) => {
            if let Err(error) = tied(options.until_stdin_closes) {
                return refuse(1, &error);
            }
            return serve(Role::Mcp, |setup, settings| {
                setup.run(|obs| mcp::run(Telemetry { obs }, options, settings))
            });
        }
        Command::Engine(options) => {
            if let Err(error) = tied(options.until_stdin_closes) {
                return refuse(1, &error);
            }
            return serve(Role::Engine, |setup, settings| {
                setup.run(|obs| engine::run(Telemetry { obs }, options, settings))
            });
        }
    }
    ExitCode::SUCCESS
}

/// Reads the variables of the environment.
fn with_setup(role: Role, then: impl FnOnce(Start) -> ExitCode) -> ExitCode {
    match role.setup() {
        Ok(setup) => then(setup),
        Err(error) => refuse(MISCONFIGURED, &error.to_string()),
    }
}

fn serve(role: Role, then: impl FnOnce(Start, Settings) -> ExitCode) -> ExitCode {
    match (role.setup(), Settings::from_env()) {
        (Ok(setup), Ok(settings)) => then(role.with_console(setup, &settings), settings),
        (Err(error), Ok(_)) => refuse(MISCONFIGURED, &error.to_string()),
        (Ok(_), Err(error)) => refuse(MISCONFIGURED, &error.to_string()),
        (Err(one), Err(other)) => refuse(MISCONFIGURED, &format!("{one}\n{other}")),
    }
}

/// Ties this process to the one that started it, if it asked for that.
fn tied(until_stdin_closes: bool) -> Result<(), String> {
    if until_stdin_closes {
        let watched = both::stop_when_input_ends();
        return watched.map_err(|error| format!("cannot watch standard input: {error}"));
    }
    Ok(())
}

/// Sees that the variables are right before processes are started that would end because of them.
fn with_surroundings(then: impl FnOnce(Surroundings) -> ExitCode) -> ExitCode {
    for role in [Role::Mcp, Role::Engine] {
        let code = serve(role, |_, _| ExitCode::SUCCESS);
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    with_setup(Role::Mcp, |start| match Surroundings::of(start) {
        Ok(surroundings) => then(surroundings),
        Err(error) => refuse(MISCONFIGURED, &error.to_string()),
    })
}

fn for_each(roles: &[Role], print: impl Fn(Role, Start) -> ExitCode) -> ExitCode {
    for role in roles {
        let code = with_setup(*role, |setup| print(*role, setup));
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    ExitCode::SUCCESS
}

fn print_metrics(role: Role, setup: Start) -> ExitCode {
    match setup.detached() {
        Ok(obs) => {
            say(&format!("{}\n\n{}\n", role.name(), obs.report()));
            ExitCode::SUCCESS
        }
        Err(error) => refuse(MISCONFIGURED, &error.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as the others")]
fn print_configuration(role: Role, setup: Start) -> ExitCode {
    say(&format!("{}\n\n{}\n\n", role.name(), setup.configuration()));
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
