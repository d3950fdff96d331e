//! The command line.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::telemetry::Role;
use crate::trace;

pub(crate) const HELP: &str = "\
traceo: an MCP server and an engine that import CSV files, observed by obs

usage: traceo [options]           both services, each in a process of its own
       traceo demo [options]      both services, and a few minutes of traffic to watch
       traceo mcp [options]       the MCP server alone; it finds the engine at ENGINE_URL
       traceo engine [options]    the engine alone; it tells the MCP server at MCP_URL
       traceo trace ID            what both services logged about a correlation id, as a tree
       traceo metrics [SERVICE]   how many series the declared metrics and HTTP can have
       traceo config [SERVICE]    the configuration that holds here, secrets masked
       traceo artifacts DIR       dashboards, alerts, a stack and docs, from what is declared
       traceo artifacts --check DIR   whether those in DIR are still what is declared
       traceo artifacts --diff DIR    what breaks dashboards since deploy/catalogue in DIR was made

options of all of them:
  --data DIR            where data lies (default .obs in the current directory)

options of `traceo`:
  --mcp-listen ADDR     where the MCP server listens (default 127.0.0.1:8787; port 0 takes any)
  --engine-listen ADDR  where the engine listens (default 127.0.0.1:8788)
  --careless            that of `traceo engine`, below

options of `traceo demo`:
  --data DIR            where data and logs lie (default a directory of its own, which is kept:
                        some 300 MB)
  --seconds N           how long it takes, about (default 180)
  --fast                every scene, as short as it can be

options of `traceo mcp`:
  --listen ADDR         serve streamable HTTP on this loopback address: /mcp, /webhooks/jobs,
                        /metrics, /health and /ready (default 127.0.0.1:8787; port 0 takes any)
  --remote NAME         also listen on an address that is not loopback, for who reaches it as NAME;
                        repeatable. There is no authentication: for a network that you trust
  --stdio               speak MCP over standard input and output instead; /metrics is then on
                        OBS_ADMIN_ADDR (default 127.0.0.1:0), whose address is logged
  --stateless-json      no sessions, answers in JSON instead of event streams

options of `traceo engine`:
  --listen ADDR         serve on this loopback address (default 127.0.0.1:8788)
  --remote NAME         that of `traceo mcp`, above
  --max-file-mb N       the largest file that is imported, in MiB (default 1024)
  --max-jobs N          jobs that may run or wait (default 1000)
  --workers N           jobs that run at a time (default 2)
  --rate-limit N        requests that one address may send per second (default 200)
  --lease-ms N          how long a job stays with an engine that is not heard of (default 10000)
  --audit-days N        how long audit rows are kept (default 365); of `traceo mcp` as well
  --careless            hold a database connection while waiting for the third party: the mistake
                        that `traceo demo` shows

  -h, --help            print this
  -V, --version         print the version

ENGINE_URL (default http://127.0.0.1:8788) and MCP_URL (default http://127.0.0.1:8787) say where the
other service is, DATABASE_URL=postgres://.. and REDIS_URL=redis://.. where data and queue are
instead of files and memory, EXTERNAL_DATA_URL where quotes come from instead of a stand-in.

The log goes to standard error; RUST_LOG sets what is in it, such as `debug` or
`warn,traceo=debug`. Outside of dev (OBS_ENV), which is what a release build assumes, /metrics
needs a token (OBS_METRICS_TOKEN). `traceo config` names all variables.

exit codes: 0 stopped as asked, 1 failed, 2 wrong arguments, 78 a variable is wrong
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Version,
    Metrics(Vec<Role>),
    Config(Vec<Role>),
    Artifacts(Artifacts),
    Both(Both),
    Demo(Demo),
    StandIn(SocketAddr),
    Trace(trace::Asked),
    Mcp(Mcp),
    Engine(Engine),
}

/// What is made of the declarations.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifacts {
    pub(crate) task: Task,
    /// The root of a project.
    pub(crate) folder: PathBuf,
}

/// What to do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Write,
    /// Compare it with what is there.
    Check,
    /// Say what changed for those who look at the metrics.
    Diff,
}

/// Both services.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Both {
    pub(crate) data: PathBuf,
    pub(crate) mcp_listen: SocketAddr,
    pub(crate) engine_listen: SocketAddr,
    pub(crate) careless: bool,
}

impl Default for Both {
    fn default() -> Self {
        Self {
            data: default_data(),
            mcp_listen: MCP_LISTEN,
            engine_listen: ENGINE_LISTEN,
            careless: false,
        }
    }
}

/// What to show.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Demo {
    /// A fresh directory if there is none.
    pub(crate) data: Option<PathBuf>,
    pub(crate) pace: Pace,
}

/// How long the demonstration takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Seconds(u32),
    Fast,
}

/// How to serve MCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mcp {
    pub(crate) transport: Transport,
    pub(crate) data: PathBuf,
    pub(crate) audit_days: u32,
    /// Stop when standard input ends: the service is a child of `traceo`.
    pub(crate) until_stdin_closes: bool,
}

/// How clients reach the MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http {
        listen: SocketAddr,
        /// The names under which others than this machine reach it.
        remote: Vec<String>,
        stateless_json: bool,
    },
    Stdio,
}

/// How to run the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    pub(crate) listen: SocketAddr,
    /// The names under which others than this machine reach it.
    pub(crate) remote: Vec<String>,
    pub(crate) data: PathBuf,
    pub(crate) max_file_bytes: u64,
    pub(crate) max_jobs: u32,
    pub(crate) workers: u32,
    /// Requests a second of one address.
    pub(crate) rate_limit: u32,
    pub(crate) lease_ms: u32,
    pub(crate) audit_days: u32,
    pub(crate) careless: bool,
    /// Stop when standard input ends: the engine is a child of `traceo`.
    pub(crate) until_stdin_closes: bool,
}

pub(crate) const MCP_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);
pub(crate) const ENGINE_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8788);

const AUDIT_DAYS: u32 = 365;

/// The shortest demonstration whose scenes can be told apart.
const LEAST_SECONDS: u32 = 60;

impl Default for Engine {
    fn default() -> Self {
        Self {
            listen: ENGINE_LISTEN,
            remote: Vec::new(),
            data: default_data(),
            max_file_bytes: mebibytes(1024),
            max_jobs: 1000,
            workers: 2,
            rate_limit: 200,
            lease_ms: 10_000,
            audit_days: AUDIT_DAYS,
            careless: false,
            until_stdin_closes: false,
        }
    }
}

/// The default data directory, under the current one.
pub(crate) fn default_data() -> PathBuf {
    PathBuf::from(".obs")
}

/// Reads the arguments after the program's name.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Command, lexopt::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    // The command comes first; options without one are those of both.
    let (command, rest) = match arguments.split_first() {
        Some((first, rest)) if !first.to_string_lossy().starts_with('-') => (Some(first), rest),
        _ => (None, &arguments[..]),
    };
    if command.is_some_and(|command| command == "trace") {
        let asked = trace::parse(&mut Parser::from_args(rest), default_data())?;
        return Ok(Command::Trace(asked));
    }
    for argument in rest.iter().take_while(|argument| *argument != "--") {
        match argument.to_str() {
            Some("-h" | "--help") => return Ok(Command::Help),
            Some("-V" | "--version") => return Ok(Command::Version),
            _ => {}
        }
    }
    let mut parser = Parser::from_args(rest);
    match command.and_then(|command| command.to_str()) {
        None if command.is_none() => both(&mut parser).map(Command::Both),
        Some("help") => Ok(Command::Help),
        Some("mcp") => mcp(&mut parser).map(Command::Mcp),
        Some("engine") => engine(&mut parser).map(Command::Engine),
        Some("demo") => demo(&mut parser).map(Command::Demo),
        // The third party of `traceo demo`, which no person starts.
        Some("stand-in") => stand_in(&mut parser).map(Command::StandIn),
        Some("metrics") => roles(&mut parser).map(Command::Metrics),
        Some("config") => roles(&mut parser).map(Command::Config),
        Some("artifacts") => artifacts(&mut parser).map(Command::Artifacts),
        _ => {
            let command = command.map(|command| command.to_string_lossy().into_owned());
            Err(format!("there is no command `{}`", command.unwrap_or_default()).into())
        }
    }
}

fn both(parser: &mut Parser) -> Result<Both, lexopt::Error> {
    let mut both = Both::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("data") => both.data = parser.value()?.into(),
            Arg::Long("mcp-listen") => both.mcp_listen = loopback(&parser.value()?)?,
            Arg::Long("engine-listen") => both.engine_listen = loopback(&parser.value()?)?,
            Arg::Long("careless") => both.careless = true,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(both)
}

fn demo(parser: &mut Parser) -> Result<Demo, lexopt::Error> {
    let (mut data, mut seconds, mut fast) = (None, None, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("data") => data = Some(parser.value()?.into()),
            Arg::Long("seconds") => seconds = Some(parser.value()?.parse()?),
            Arg::Long("fast") => fast = true,
            _ => return Err(argument.unexpected()),
        }
    }
    let pace = match (seconds, fast) {
        (Some(_), true) => return Err("`--fast` does not go with `--seconds`".into()),
        (None, true) => Pace::Fast,
        (Some(seconds), false) if seconds < LEAST_SECONDS => {
            let refusal = format!("`--seconds` must be at least {LEAST_SECONDS}, or use `--fast`");
            return Err(refusal.as_str().into());
        }
        (seconds, false) => Pace::Seconds(seconds.unwrap_or(180)),
    };
    Ok(Demo { data, pace })
}

fn stand_in(parser: &mut Parser) -> Result<SocketAddr, lexopt::Error> {
    let mut listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("listen") => listen = loopback(&parser.value()?)?,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(listen)
}

fn mcp(parser: &mut Parser) -> Result<Mcp, lexopt::Error> {
    let (mut listen, mut remote) = (None, Vec::new());
    let (mut stdio, mut stateless_json, mut until_stdin_closes) = (false, false, false);
    let (mut data, mut audit_days) = (default_data(), AUDIT_DAYS);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("listen") => listen = Some(parser.value()?.parse()?),
            Arg::Long("remote") => remote.push(host(&parser.value()?)?),
            Arg::Long("stdio") => stdio = true,
            Arg::Long("stateless-json") => stateless_json = true,
            Arg::Long("data") => data = parser.value()?.into(),
            Arg::Long("audit-days") => audit_days = parser.value()?.parse()?,
            Arg::Long("until-stdin-closes") => until_stdin_closes = true,
            _ => return Err(argument.unexpected()),
        }
    }
    let http_only = stateless_json || until_stdin_closes || !remote.is_empty();
    let transport = match (stdio, listen) {
        (true, None) if !http_only => Transport::Stdio,
        (true, _) => {
            let refusal = "`--stdio` goes with none of `--listen`, `--remote`, `--stateless-json`";
            return Err(refusal.into());
        }
        (false, listen) => Transport::Http {
            listen: permitted(listen.unwrap_or(MCP_LISTEN), &remote)?,
            remote,
            stateless_json,
        },
    };
    Ok(Mcp {
        transport,
        data,
        audit_days,
        until_stdin_closes,
    })
}

fn engine(parser: &mut Parser) -> Result<Engine, lexopt::Error> {
    let mut engine = Engine::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("listen") => engine.listen = parser.value()?.parse()?,
            Arg::Long("remote") => engine.remote.push(host(&parser.value()?)?),
            Arg::Long("data") => engine.data = parser.value()?.into(),
            Arg::Long("max-file-mb") => engine.max_file_bytes = mebibytes(parser.value()?.parse()?),
            Arg::Long("max-jobs") => engine.max_jobs = parser.value()?.parse()?,
            Arg::Long("workers") => engine.workers = at_least_one(&parser.value()?)?,
            Arg::Long("rate-limit") => engine.rate_limit = at_least_one(&parser.value()?)?,
            Arg::Long("lease-ms") => engine.lease_ms = at_least_one(&parser.value()?)?,
            Arg::Long("audit-days") => engine.audit_days = parser.value()?.parse()?,
            Arg::Long("careless") => engine.careless = true,
            Arg::Long("until-stdin-closes") => engine.until_stdin_closes = true,
            _ => return Err(argument.unexpected()),
        }
    }
    permitted(engine.listen, &engine.remote)?;
    Ok(engine)
}

fn roles(parser: &mut Parser) -> Result<Vec<Role>, lexopt::Error> {
    let mut roles = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(name) if name == "engine" => roles.push(Role::Engine),
            Arg::Value(name) if name == "mcp" => roles.push(Role::Mcp),
            _ => return Err(argument.unexpected()),
        }
    }
    if roles.is_empty() {
        roles = vec![Role::Mcp, Role::Engine];
    }
    Ok(roles)
}

/// Reads what is to be done with the artifacts, and where.
fn artifacts(parser: &mut Parser) -> Result<Artifacts, lexopt::Error> {
    let (mut task, mut folder) = (Task::Write, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("check") => task = Task::Check,
            Arg::Long("diff") => task = Task::Diff,
            Arg::Value(path) if folder.is_none() => folder = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    let folder = folder.ok_or("`traceo artifacts` takes the root of a project, such as `.`")?;
    Ok(Artifacts { task, folder })
}

const fn mebibytes(number: u32) -> u64 {
    number as u64 * 1024 * 1024
}

fn at_least_one(value: &OsStr) -> Result<u32, lexopt::Error> {
    match value.to_os_string().parse()? {
        0 => Err("the number must be at least 1".into()),
        number => Ok(number),
    }
}

fn loopback(value: &OsStr) -> Result<SocketAddr, lexopt::Error> {
    permitted(value.to_os_string().parse()?, &[])
}

/// Whether an address may be listened on: beyond this machine, only where somebody said as what it
/// is reached there, so that it cannot happen by mistake.
fn permitted(address: SocketAddr, remote: &[String]) -> Result<SocketAddr, lexopt::Error> {
    if address.ip().is_loopback() || !remote.is_empty() {
        return Ok(address);
    }
    let refusal = format!(
        "{} is not a loopback address; traceo has no authentication and reads files, so it listens \
         on 127.0.0.1 or [::1] only; in a network that you trust, `traceo mcp` and `traceo engine` \
         listen elsewhere with `--remote NAME`, the name that others reach it by",
        address.ip()
    );
    Err(refusal.as_str().into())
}

/// The name of a host, without a port.
fn host(value: &OsStr) -> Result<String, lexopt::Error> {
    let name: String = value.to_os_string().parse()?;
    let known = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if name.is_empty() || !name.chars().all(known) {
        let refusal = format!("`--remote {name}`: the name of a host such as `traceo-mcp`");
        return Err(refusal.as_str().into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::{Both, Command, MCP_LISTEN, Mcp, Pace, Role, Transport, parse};

    fn transport(arguments: &[&str]) -> Transport {
        match parse(arguments).unwrap() {
            Command::Mcp(Mcp { transport, .. }) => transport,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_a_command_both_services_run() {
        let both = |arguments: &[&str]| match parse(arguments).unwrap() {
            Command::Both(both) => both,
            other => panic!("{other:?}"),
        };
        assert_eq!(both(&[]), Both::default());
        let arguments = [
            "--data",
            "here",
            "--engine-listen=127.0.0.1:1",
            "--careless",
        ];
        let expected = Both {
            data: "here".into(),
            engine_listen: "127.0.0.1:1".parse().unwrap(),
            careless: true,
            ..Both::default()
        };
        assert_eq!(both(&arguments), expected);
    }

    #[test]
    fn the_demonstration_is_as_long_as_it_is_asked_to_be() {
        let pace = |arguments: &[&str]| match parse(arguments).unwrap() {
            Command::Demo(demo) => demo.pace,
            other => panic!("{other:?}"),
        };
        assert_eq!(pace(&["demo"]), Pace::Seconds(180));
        assert_eq!(pace(&["demo", "--seconds", "600"]), Pace::Seconds(600));
        assert_eq!(pace(&["demo", "--fast"]), Pace::Fast);
    }

    #[test]
    fn the_transport_is_chosen_by_options() {
        let http = Transport::Http {
            listen: MCP_LISTEN,
            remote: Vec::new(),
            stateless_json: false,
        };
        assert_eq!(transport(&["mcp"]), http);
        assert_eq!(transport(&["mcp", "--stdio"]), Transport::Stdio);
        let listen = "127.0.0.1:0".parse().unwrap();
        let http = Transport::Http {
            listen,
            remote: Vec::new(),
            stateless_json: true,
        };
        let arguments = ["mcp", "--listen=127.0.0.1:0", "--stateless-json"];
        assert_eq!(transport(&arguments), http);
    }

    #[test]
    fn what_is_printed_is_about_one_service_or_both() {
        let both = vec![Role::Mcp, Role::Engine];
        assert_eq!(parse(["metrics"]).unwrap(), Command::Metrics(both));
        let one = vec![Role::Engine];
        assert_eq!(parse(["config", "engine"]).unwrap(), Command::Config(one));
    }

    #[test]
    fn help_is_given_wherever_it_is_asked_for() {
        for arguments in [
            &["--help"][..],
            &["engine", "-h"],
            &["mcp", "--listen", "x", "--help"],
        ] {
            assert_eq!(parse(arguments).unwrap(), Command::Help, "{arguments:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused: [&[&str]; 21] = [
            &["serve"],
            &["mcp", "mcp"],
            &["mcp", "--stdio", "--listen", "127.0.0.1:1"],
            &["mcp", "--listen", "0.0.0.0:8787"],
            &["mcp", "--listen", "somewhere"],
            &["mcp", "--listen", "0.0.0.0:1", "--remote", "traceo-mcp:1"],
            &["mcp", "--listen", "0.0.0.0:1", "--remote", ""],
            &["mcp", "--stdio", "--remote", "traceo-mcp"],
            &["--mcp-listen", "0.0.0.0:1"],
            &["engine", "--max-file-mb", "-1"],
            &["engine", "--workers", "0"],
            &["engine", "--stdio"],
            &["metrics", "--stdio"],
            &["config", "--data", "here"],
            &["--listen", "127.0.0.1:1"],
            &["--engine-listen", "0.0.0.0:1"],
            &["mcp", "--stdio", "--until-stdin-closes"],
            &["demo", "--fast", "--seconds", "90"],
            &["demo", "--seconds", "5"],
            &["demo", "fast"],
            &["stand-in", "--listen", "0.0.0.0:1"],
        ];
        for arguments in refused {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_loopback_is_refused_with_the_reason() {
        let error = parse(["engine", "--listen", "0.0.0.0:8788"]).unwrap_err();
        assert!(error.to_string().contains("no authentication"), "{error}");
    }

    #[test]
    fn other_machines_may_connect_where_it_is_said_as_what_they_reach_it() {
        let arguments = ["mcp", "--remote=traceo-mcp", "--listen", "0.0.0.0:8787"];
        let http = Transport::Http {
            listen: "0.0.0.0:8787".parse().unwrap(),
            remote: vec!["traceo-mcp".to_owned()],
            stateless_json: false,
        };
        assert_eq!(transport(&arguments), http);
        let arguments = [
            "engine",
            "--listen",
            "0.0.0.0:1",
            "--remote",
            "a",
            "--remote",
            "b.c",
        ];
        let Command::Engine(engine) = parse(arguments).unwrap() else {
            panic!("another command");
        };
        assert_eq!(engine.remote, ["a", "b.c"]);
    }
}
