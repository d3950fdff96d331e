//! Why a start was refused: every problem in one error, written for people.

use std::fmt;

/// Every problem that keeps `obs` from starting; nothing was installed.
///
/// `Display` says for each what is wrong, where, why it matters, and how to fix it.
#[derive(Clone, PartialEq, Eq)]
pub struct StartError {
    problems: Vec<Problem>,
}

/// One thing that keeps `obs` from starting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(super) kind: ProblemKind,
    pub(super) what: String,
    pub(super) places: Vec<String>,
    pub(super) why: &'static str,
    pub(super) fix: String,
}

/// What kind of thing keeps `obs` from starting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemKind {
    /// Two declarations would write the same series.
    DuplicateMetric,
    /// A declaration has a name that `obs` brings itself.
    OwnName,
    /// Metrics were recorded whose registry no scrape would show.
    UncollectedRegistry,
    /// An option was given a value that it cannot have.
    InvalidOption,
    /// Another `metrics` recorder is installed.
    RecorderInstalled,
    /// Another Sentry client is installed.
    SentryInstalled,
    /// The export of spans could not be started.
    Traces,
    /// Sentry could not be started.
    Sentry,
    /// Another `tracing` subscriber is installed.
    SubscriberInstalled,
    /// Another logger of the `log` crate is installed.
    LoggerInstalled,
    /// `obs` is already installed.
    AlreadyInstalled,
    /// A thread could not be started.
    Thread,
}

impl StartError {
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Returns the problems.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Problem {
    /// Returns what kind of problem it is.
    #[must_use]
    pub const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// Returns what is wrong, in one line.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for place in &self.places {
            write!(f, "\n  at {place}")?;
        }
        write!(f, "\n  why: {}\n  fix: {}", self.why, self.fix)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.problems.len() == 1 { "" } else { "s" };
        write!(
            f,
            "obs could not start, because of {} problem{plural}",
            self.problems.len()
        )?;
        for problem in &self.problems {
            write!(f, "\n\n{problem}")?;
        }
        Ok(())
    }
}

// What `main` prints of an error that it returns.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for StartError {}
