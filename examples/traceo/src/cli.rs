//! The command line.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use lexopt::{Arg, ValueExt};

use crate::engine::{self, Limits};
use crate::trace;

pub(crate) const HELP: &str = "\
traceo: an MCP server that imports CSV files, observed by obs

usage: traceo [mcp] [options]    serve MCP; this is the default
       traceo metrics            print how many series the declared metrics can have
       traceo trace ID           print what was logged about a correlation id, as a tree
       traceo config             print the configuration that holds here, secrets masked

options of `traceo mcp`:
  --listen ADDR     serve streamable HTTP on this loopback address: /mcp, and /metrics, /health
                    and /ready (default 127.0.0.1:8787; port 0 takes any free one)
  --stdio           speak MCP over standard input and output instead; /metrics is then on
                    OBS_ADMIN_ADDR (default 127.0.0.1:0), whose address is logged
  --stateless-json  no sessions, answers in JSON instead of event streams
  --data DIR        where the database lies (default .obs in the current directory)
  --max-file-mb N   the largest file that is imported, in MiB (default 1024)

  -h, --help        print this
  -V, --version     print the version

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
    Metrics,
    Config,
    Trace(trace::Asked),
    Serve(Serve),
}

/// How to serve.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) transport: Transport,
    pub(crate) data: PathBuf,
    pub(crate) max_file_bytes: u64,
}

/// How clients reach the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Http {
        listen: SocketAddr,
        stateless_json: bool,
    },
    Stdio,
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// Reads the arguments after the program's name.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut listen = None;
    let (mut stdio, mut stateless_json, mut named) = (false, false, false);
    // `metrics` and `config`, which take no options.
    let mut print = None;
    let mut data = engine::default_directory();
    let mut max_file_bytes = Limits::default().file_bytes;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Value(command) if !named && command == "mcp" => named = true,
            Arg::Value(command) if !named && command == "metrics" => {
                named = true;
                print = Some(Command::Metrics);
            }
            Arg::Value(command) if !named && command == "config" => {
                named = true;
                print = Some(Command::Config);
            }
            Arg::Value(command) if !named && command == "trace" => {
                return trace::parse(&mut parser, data).map(Command::Trace);
            }
            Arg::Long("listen") if print.is_none() => listen = Some(loopback(&parser.value()?)?),
            Arg::Long("stdio") if print.is_none() => stdio = true,
            Arg::Long("stateless-json") if print.is_none() => stateless_json = true,
            Arg::Long("data") if print.is_none() => data = parser.value()?.into(),
            Arg::Long("max-file-mb") if print.is_none() => {
                let mebibytes: u32 = parser.value()?.parse()?;
                max_file_bytes = u64::from(mebibytes) * 1024 * 1024;
            }
            _ => return Err(argument.unexpected()),
        }
    }
    if let Some(command) = print {
        return Ok(command);
    }
    let transport = match (stdio, listen) {
        (true, None) if !stateless_json => Transport::Stdio,
        (true, _) => {
            return Err("`--stdio` goes with neither `--listen` nor `--stateless-json`".into());
        }
        (false, listen) => Transport::Http {
            listen: listen.unwrap_or(DEFAULT_LISTEN),
            stateless_json,
        },
    };
    Ok(Command::Serve(Serve {
        transport,
        data,
        max_file_bytes,
    }))
}

fn loopback(value: &OsStr) -> Result<SocketAddr, lexopt::Error> {
    let address: SocketAddr = value.to_os_string().parse()?;
    if !address.ip().is_loopback() {
        let refusal = format!(
            "{} is not a loopback address; traceo has no authentication and reads files, \
             so it listens on 127.0.0.1 or [::1] only",
            address.ip()
        );
        return Err(refusal.as_str().into());
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::{Command, DEFAULT_LISTEN, Serve, Transport, parse};

    fn transport(arguments: &[&str]) -> Transport {
        match parse(arguments).unwrap() {
            Command::Serve(Serve { transport, .. }) => transport,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_arguments_it_serves_http_on_loopback() {
        let http = Transport::Http {
            listen: DEFAULT_LISTEN,
            stateless_json: false,
        };
        assert_eq!(transport(&[]), http);
        assert_eq!(transport(&["mcp"]), http);
    }

    #[test]
    fn the_transport_is_chosen_by_options() {
        assert_eq!(transport(&["mcp", "--stdio"]), Transport::Stdio);
        let listen = "127.0.0.1:0".parse().unwrap();
        let http = Transport::Http {
            listen,
            stateless_json: true,
        };
        let arguments = ["mcp", "--listen=127.0.0.1:0", "--stateless-json"];
        assert_eq!(transport(&arguments), http);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused: [&[&str]; 8] = [
            &["serve"],
            &["mcp", "mcp"],
            &["mcp", "--stdio", "--listen", "127.0.0.1:1"],
            &["mcp", "--listen", "0.0.0.0:8787"],
            &["mcp", "--listen", "somewhere"],
            &["mcp", "--max-file-mb", "-1"],
            &["metrics", "--stdio"],
            &["config", "--data", "here"],
        ];
        for arguments in refused {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn an_address_that_is_not_loopback_is_refused_with_the_reason() {
        let error = parse(["--listen", "0.0.0.0:8787"]).unwrap_err();
        assert!(error.to_string().contains("no authentication"), "{error}");
    }
}
