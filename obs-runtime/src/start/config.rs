//! Reading the environment variables: all of them, and every mistake in one error.

use std::ffi::OsString;
use std::fmt;

use super::configuration::{
    Configuration, ConfigurationEntry as Entry, ConfigurationSource as Source,
};
#[cfg(feature = "http")]
use super::settings::Settings;
use super::value::ResourceAttributes;
use super::variable::{Row, Variable, cut};
use super::{Environment, Service, variables};

/// A longer value is a mistake whatever the variable.
const MAX_BYTES: usize = 64 * 1024;

/// What the variables said.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) service: Service,
    pub(super) environment: Environment,
    /// Nobody said which environment this is.
    pub(super) assumed: bool,
    pub(super) attributes: Vec<(String, String)>,
    #[cfg(feature = "http")]
    pub(super) settings: Settings,
    pub(super) configuration: Configuration,
    /// What could not be understood, where that is no error.
    pub(super) ignored: Vec<InvalidVariable>,
}

/// Every variable that could not be understood.
///
/// `OBS_STRICT=0` turns it into warnings; each such variable then counts as unset.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    invalid: Vec<InvalidVariable>,
}

/// One variable that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVariable {
    name: &'static str,
    /// What may be seen of the value.
    value: String,
    expected: &'static str,
    /// More about it; may be empty.
    reason: String,
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
        )?;
        if !self.reason.is_empty() {
            write!(f, "; {}", self.reason)?;
        }
        Ok(())
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

// What `main` prints of an error that it returns.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// Reads the variables through `get`.
pub(super) fn read(
    service: Service,
    get: impl Fn(&str) -> Option<OsString>,
) -> Result<Config, ConfigError> {
    let mut reader = Reader {
        get: &get,
        environment: Environment::PROD,
        invalid: Vec::new(),
        entries: Vec::new(),
    };
    let named = reader.read(&variables::ENVIRONMENT);
    let service_name = reader.read(&variables::SERVICE_NAME);
    let ResourceAttributes {
        service_name: attributed_name,
        service_version,
        environment: attributed,
        rest,
    } = reader
        .read(&variables::RESOURCE_ATTRIBUTES)
        .unwrap_or_default();

    let named = named.or(attributed);
    let assumed = named.is_none();
    let environment = named.unwrap_or(if cfg!(debug_assertions) {
        Environment::DEV
    } else {
        Environment::PROD
    });
    let service = Service {
        name: service_name
            .or(attributed_name)
            .map_or(service.name, Into::into),
        version: service_version.map_or(service.version, Into::into),
    };
    reader.environment = environment.clone();
    reader.fill(&variables::ENVIRONMENT.row, environment.name());
    reader.fill(&variables::SERVICE_NAME.row, service.name());

    #[cfg(feature = "http")]
    let settings = super::settings::read(&mut reader, &service);
    let strict = reader.read_or_default(&variables::STRICT);

    let Reader {
        invalid, entries, ..
    } = reader;
    if !invalid.is_empty() && strict {
        return Err(ConfigError { invalid });
    }
    Ok(Config {
        service,
        environment,
        assumed,
        attributes: rest,
        #[cfg(feature = "http")]
        settings,
        configuration: Configuration::new(entries),
        ignored: invalid,
    })
}

/// Reads variables one by one, and remembers what it found.
pub(super) struct Reader<'a> {
    get: &'a dyn Fn(&str) -> Option<OsString>,
    /// Whose defaults hold.
    environment: Environment,
    invalid: Vec<InvalidVariable>,
    entries: Vec<Entry>,
}

impl Reader<'_> {
    /// Reads the first name of the variable that is set and not empty.
    pub(super) fn read<T>(&mut self, variable: &'static Variable<T>) -> Option<T> {
        let row = &variable.row;
        let found = row
            .names
            .iter()
            .filter_map(|name| Some((*name, (self.get)(name)?)))
            .find(|(_, value)| !value.is_empty());
        let Some((name, value)) = found else {
            self.entries.push(Entry::unset(row, &self.environment));
            return None;
        };
        match understand(variable, &value) {
            Ok((parsed, text)) => {
                let shown = row.show.of(text);
                self.entries
                    .push(Entry::new(row, Source::Variable(name), shown));
                Some(parsed)
            }
            Err(reason) => {
                self.invalid.push(InvalidVariable {
                    name,
                    value: row.show.of(&value.to_string_lossy()),
                    expected: row.expected,
                    reason: cut(&reason, 200),
                });
                self.entries.push(Entry::unset(row, &self.environment));
                None
            }
        }
    }

    /// Reads the variable, or else the default of the environment.
    pub(super) fn read_or_default<T>(&mut self, variable: &'static Variable<T>) -> T
    where
        T: Default,
    {
        self.read(variable).unwrap_or_else(|| {
            let text = variable.row.unset.text(&self.environment);
            // A test reads every default.
            text.and_then(|text| (variable.parse)(text).ok())
                .unwrap_or_default()
        })
    }

    #[cfg(feature = "http")]
    pub(super) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Says what holds for a variable that is unset and whose default is no text for the parser.
    pub(super) fn fill(&mut self, row: &'static Row, value: &str) {
        let unset = self
            .entries
            .iter_mut()
            .find(|entry| entry.is_of(row) && entry.source() == Source::Default);
        if let Some(entry) = unset {
            *entry = Entry::new(row, Source::Default, row.show.of(value));
        }
    }
}

fn understand<'a, T>(variable: &Variable<T>, value: &'a OsString) -> Result<(T, &'a str), String> {
    if value.len() > MAX_BYTES {
        return Err(format!("it has {} bytes", value.len()));
    }
    let text = value.to_str().ok_or("it is not UTF-8")?.trim();
    let parsed = (variable.parse)(text)?;
    Ok((parsed, text))
}
