//! Values about the log.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::Parsed;
use crate::log::LogFormat;
use crate::start::Environment;

/// The two streams that a log can go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stream {
    #[default]
    Stdout,
    Stderr,
}

impl Stream {
    /// How lines look where nobody says it: people read a terminal, machines read the rest.
    pub(crate) fn format(self, environment: &Environment) -> LogFormat {
        let terminal = match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        };
        if terminal && *environment == Environment::DEV {
            LogFormat::Pretty
        } else {
            LogFormat::Json
        }
    }
}

/// The crates that say too much at the level `info`.
const QUIET: &str = "rmcp=warn,hyper=warn,h2=warn,sqlx=warn,tower=warn";

/// Makes a filter of directives.
///
/// Values of fields are compared as they are: building automata from regular expressions can
/// take any time and memory.
pub(crate) fn env_filter(directives: &str) -> Parsed<EnvFilter> {
    EnvFilter::builder()
        .with_regex(false)
        .parse(directives)
        .map_err(|error| error.to_string())
}

/// Directives as `RUST_LOG` has them.
pub(crate) fn filter(text: &str) -> Parsed<String> {
    if text.chars().any(char::is_control) {
        return Err("it has control characters".to_owned());
    }
    env_filter(text).map(|_| text.to_owned())
}

/// One level, or directives. A word that is no level would be taken for a target, and would
/// silence everything else.
pub(crate) fn level(text: &str) -> Parsed<String> {
    if text.contains(['=', ',']) {
        return filter(text);
    }
    Ok(match text.to_ascii_lowercase().as_str() {
        "off" => "off".to_owned(),
        "error" => "error".to_owned(),
        "warn" | "warning" => "warn".to_owned(),
        "info" => format!("info,{QUIET}"),
        "debug" => format!("debug,{QUIET}"),
        "trace" => format!("trace,{QUIET}"),
        _ => return Err(String::new()),
    })
}

pub(crate) fn format(text: &str) -> Parsed<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "json" => Ok(LogFormat::Json),
        "pretty" => Ok(LogFormat::Pretty),
        _ => Err(String::new()),
    }
}

pub(crate) fn stream(text: &str) -> Parsed<Stream> {
    match text {
        "stdout" => Ok(Stream::Stdout),
        "stderr" => Ok(Stream::Stderr),
        _ => Err(String::new()),
    }
}

/// A share of everything, from 0 to 1.
pub(crate) fn ratio(text: &str) -> Parsed<f64> {
    let ratio: f64 = text.parse().map_err(|_| String::new())?;
    if (0.0..=1.0).contains(&ratio) {
        // Not -0.0, which would be shown as such.
        Ok(ratio.abs())
    } else {
        Err(String::new())
    }
}

/// Names of fields, extending the built-in list.
pub(crate) fn keys(text: &str) -> Parsed<Vec<String>> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let keys: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect();
    let all_fit = keys
        .iter()
        .all(|key| key.len() <= 64 && key.bytes().all(fits));
    if all_fit && (1..=256).contains(&keys.len()) {
        Ok(keys)
    } else {
        Err(String::new())
    }
}
