//! Reading the environment variables: all of them, and every mistake in one error.

use std::ffi::OsString;
use std::fmt;
#[cfg(feature = "http")]
use std::net::SocketAddr;

use super::Environment;

/// The variables that are read, and nothing else.
const ENVIRONMENT: [&str; 3] = ["OBS_ENV", "ENVIRONMENT", "SENTRY_ENVIRONMENT"];
const SERVICE_NAME: [&str; 2] = ["OTEL_SERVICE_NAME", "APP_NAME"];
#[cfg(feature = "http")]
const ADMIN_ADDR: &str = "OBS_ADMIN_ADDR";
const STRICT: &str = "OBS_STRICT";

/// What the variables said.
#[derive(Debug, Default)]
pub(super) struct Config {
    pub(super) environment: Option<Environment>,
    pub(super) service_name: Option<String>,
    #[cfg(feature = "http")]
    pub(super) admin_addr: Option<SocketAddr>,
}

/// Every variable that could not be understood.
///
/// `OBS_STRICT=0` turns it into warnings; each such variable then counts as unset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    invalid: Vec<InvalidVariable>,
}

/// One variable that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVariable {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl ConfigError {
    /// Returns the variables, in the order of the documentation.
    #[must_use]
    pub fn variables(&self) -> &[InvalidVariable] {
        &self.invalid
    }
}

impl InvalidVariable {
    /// Returns the variable's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for InvalidVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is {:?}; expected {}",
            self.name, self.value, self.expected
        )
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.invalid.len() == 1 { "" } else { "s" };
        write!(
            f,
            "obs cannot read {} environment variable{plural}",
            self.invalid.len()
        )?;
        for variable in &self.invalid {
            write!(f, "\n  {variable}")?;
        }
        write!(
            f,
            "\n  fix: correct or unset them, or set OBS_STRICT=0 to start with warnings"
        )
    }
}

impl std::error::Error for ConfigError {}

/// Reads the variables through `get`.
pub(super) fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Config, ConfigError> {
    let mut reader = Reader {
        get,
        invalid: Vec::new(),
    };
    let config = Config {
        environment: reader.first(
            &ENVIRONMENT,
            "`dev`, `staging`, `prod`, or 1 to 64 of the characters `A-Z a-z 0-9 . _ -`",
            Environment::parse,
        ),
        service_name: reader.first(
            &SERVICE_NAME,
            "a name of at most 255 bytes without control characters",
            |name| {
                let fits = name.len() <= 255 && !name.chars().any(char::is_control);
                fits.then(|| name.to_owned())
            },
        ),
        #[cfg(feature = "http")]
        admin_addr: reader.first(
            &[ADMIN_ADDR],
            "an address and a port, such as 127.0.0.1:9464 or [::1]:0",
            |address| address.parse().ok(),
        ),
    };
    let strict = reader.first(&[STRICT], "0 or 1", |strict| match strict {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    });
    if reader.invalid.is_empty() {
        return Ok(config);
    }
    if strict == Some(false) {
        for variable in &reader.invalid {
            tracing::warn!("{variable}; it counts as unset because OBS_STRICT=0");
        }
        return Ok(config);
    }
    Err(ConfigError {
        invalid: reader.invalid,
    })
}

struct Reader<G> {
    get: G,
    invalid: Vec<InvalidVariable>,
}

impl<G: Fn(&str) -> Option<OsString>> Reader<G> {
    /// Reads the first variable that is set and not empty.
    fn first<T>(
        &mut self,
        names: &[&'static str],
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = names
            .iter()
            .filter_map(|name| Some((*name, (self.get)(name)?)))
            .find(|(_, value)| !value.is_empty())?;
        let parsed = value.to_str().map(str::trim).and_then(parse);
        if parsed.is_none() {
            let shown: String = value.to_string_lossy().chars().take(80).collect();
            self.invalid.push(InvalidVariable {
                name,
                value: shown,
                expected,
            });
        }
        parsed
    }
}
