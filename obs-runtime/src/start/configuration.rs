//! What holds: every variable with its effective value, for people.

use std::fmt;

use super::Environment;
use super::variable::{Row, Unset};

/// The effective configuration: every variable, its value and where that comes from.
///
/// Secrets are masked. `Display` writes one line for each variable.
///
/// # Example
/// ```
/// # fn main() -> Result<(), obs_runtime::ConfigError> {
/// use obs_runtime::Obs;
///
/// let setup = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "staging")])?;
/// let configuration = setup.configuration();
/// println!("{configuration}");
/// let entry = &configuration.entries()[0];
/// assert_eq!((entry.variable(), entry.value()), ("OBS_ENV", "staging"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Configuration {
    entries: Vec<ConfigurationEntry>,
}

/// One variable of a [`Configuration`].
#[derive(Clone, Debug)]
pub struct ConfigurationEntry {
    row: &'static Row,
    value: String,
    source: ConfigurationSource,
}

/// Where the value of a variable comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigurationSource {
    /// The environment variable of this name.
    Variable(&'static str),
    /// An option of [`Setup`](crate::Setup).
    Code,
    /// Nobody set it.
    Default,
}

impl Configuration {
    pub(super) fn new(entries: Vec<ConfigurationEntry>) -> Self {
        Self { entries }
    }

    /// Returns the variables in the order of the documentation.
    #[must_use]
    pub fn entries(&self) -> &[ConfigurationEntry] {
        &self.entries
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &'static Row> {
        self.entries.iter().map(|entry| entry.row)
    }

    /// Says that the code chose a value.
    #[cfg(feature = "http")]
    pub(super) fn chosen(&mut self, row: &'static Row, value: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.is_of(row)) {
            *entry = ConfigurationEntry::new(row, ConfigurationSource::Code, row.show.of(value));
        }
    }
}

impl ConfigurationEntry {
    pub(super) fn new(row: &'static Row, source: ConfigurationSource, value: String) -> Self {
        Self { row, value, source }
    }

    pub(super) fn unset(row: &'static Row, environment: &Environment) -> Self {
        let value = match &row.unset {
            Unset::Words(words) => words,
            unset => unset.text(environment).unwrap_or_default(),
        };
        Self::new(row, ConfigurationSource::Default, value.to_owned())
    }

    pub(super) fn is_of(&self, row: &Row) -> bool {
        std::ptr::eq(self.row, row)
    }

    /// Returns the variable's name; where it has several, the first.
    #[must_use]
    pub const fn variable(&self) -> &'static str {
        self.row.name()
    }

    /// Returns the value, masked where it is a secret; where nothing is set, what that means.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns where the value comes from.
    #[must_use]
    pub const fn source(&self) -> ConfigurationSource {
        self.source
    }
}

impl fmt::Display for ConfigurationSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::Code => f.write_str("code"),
            Self::Default => f.write_str("default"),
        }
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |width: fn(&ConfigurationEntry) -> usize| {
            self.entries.iter().map(width).max().unwrap_or(0)
        };
        let names = widest(|entry| entry.row.name().len());
        let sources = widest(|entry| entry.source.to_string().len());
        for (at, entry) in self.entries.iter().enumerate() {
            let newline = if at == 0 { "" } else { "\n" };
            let source = entry.source.to_string();
            // A value may have characters that a terminal obeys.
            let value = entry.value.escape_debug();
            write!(
                f,
                "{newline}{:names$}  {source:sources$}  {value}",
                entry.row.name()
            )?;
        }
        Ok(())
    }
}
