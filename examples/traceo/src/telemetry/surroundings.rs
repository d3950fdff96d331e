//! What somebody who starts the services has to know of their variables.

use std::time::Duration;

use obs::{ConfigurationSource, Environment, Obs};

use super::Start;

/// How a service of this environment is stopped and scraped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// How long a service may take to stop.
    pub(crate) shutdown_timeout: Duration,
    pub(crate) scraping: Scraping,
}

/// What a scrape of `/metrics` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scraping {
    /// Nothing: this is a developer's machine.
    Open,
    WithToken,
    /// A token, which is not set.
    TokenMissing,
}

impl Scraping {
    /// Returns what to say behind the URL, and the option of `curl` that it takes.
    pub(crate) const fn in_words(self) -> (&'static str, &'static str) {
        let token = r#" -H "Authorization: Bearer $OBS_METRICS_TOKEN""#;
        match self {
            Self::Open => ("", ""),
            Self::WithToken => (" with the token, as a bearer", token),
            Self::TokenMissing => {
                let note = " once OBS_METRICS_TOKEN is set: outside of dev it needs one";
                (note, token)
            }
        }
    }
}

/// Holds where the variable is not understood, which `OBS_STRICT=0` allows.
const SHUTDOWN: Duration = Duration::from_secs(25);

impl Surroundings {
    /// Reads them as a service does that is started with them.
    pub(crate) fn of(start: Start) -> Result<Self, obs::StartError> {
        let obs = start.detached()?;
        Ok(Self {
            shutdown_timeout: shutdown_timeout(&obs),
            scraping: scraping(&obs),
        })
    }
}

fn shutdown_timeout(obs: &Obs) -> Duration {
    let mut entries = obs.configuration().entries().iter();
    entries
        .find(|entry| entry.variable() == "OBS_SHUTDOWN_TIMEOUT")
        .and_then(|entry| duration(entry.value()))
        .unwrap_or(SHUTDOWN)
}

pub(super) fn scraping(obs: &Obs) -> Scraping {
    let has_token = obs.configuration().entries().iter().any(|entry| {
        entry.variable().starts_with("OBS_METRICS_TOKEN")
            && entry.source() != ConfigurationSource::Default
    });
    if has_token {
        Scraping::WithToken
    } else if *obs.environment() == Environment::DEV {
        Scraping::Open
    } else {
        Scraping::TokenMissing
    }
}

/// Reads a time as `obs` does: a bare number is seconds.
fn duration(text: &str) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn times_are_read_as_the_services_read_them() {
        assert_eq!(duration("25"), Some(Duration::from_secs(25)));
        assert_eq!(duration("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("1m"), Some(Duration::from_secs(60)));
        assert_eq!(duration("-1"), None);
        assert_eq!(duration("soon"), None);
    }
}
