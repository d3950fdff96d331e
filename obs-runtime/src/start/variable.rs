//! What a variable is: one place for its names, its meaning, its default and its parser.

use super::Environment;

/// A variable whose text becomes a `T`.
pub(super) struct Variable<T> {
    pub(super) row: Row,
    /// Reads the text; an error is a reason to add to what is expected, and may be empty.
    pub(super) parse: fn(&str) -> Result<T, String>,
}

/// What can be said about a variable without knowing its type.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) section: Section,
    /// The first one that is set and not empty counts.
    pub(super) names: &'static [&'static str],
    pub(super) meaning: &'static str,
    /// What is accepted, as the end of "expected …".
    pub(super) expected: &'static str,
    pub(super) unset: Unset,
    pub(super) example: &'static str,
    pub(super) show: Show,
}

/// What holds while a variable is unset.
#[derive(Debug)]
pub(super) enum Unset {
    /// A text for the parser.
    Text(&'static str),
    /// A text for the parser, by environment; names of the operator's own take that of prod.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only variables of `http` have it")
    )]
    ByEnvironment {
        dev: &'static str,
        staging: &'static str,
        prod: &'static str,
    },
    /// Nothing for the parser; the words say what happens.
    Words(&'static str),
}

/// How much of a value may be seen by people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// All of it.
    Text,
    /// A URL without the parts that hold secrets: user, password, query.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only variables of `http` have it")
    )]
    Url,
    /// Only that it is set.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only variables of `http` have it")
    )]
    Secret,
}

/// Where a variable stands in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Service,
    #[cfg(feature = "http")]
    Logs,
    #[cfg(feature = "http")]
    Sentry,
    #[cfg(feature = "http")]
    Traces,
    #[cfg(feature = "http")]
    Http,
    #[cfg(feature = "http")]
    Checks,
    Start,
}

impl Section {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Service => "Service",
            #[cfg(feature = "http")]
            Self::Logs => "Logs",
            #[cfg(feature = "http")]
            Self::Sentry => "Sentry",
            #[cfg(feature = "http")]
            Self::Traces => "Traces",
            #[cfg(feature = "http")]
            Self::Http => "Metrics and trust",
            #[cfg(feature = "http")]
            Self::Checks => "Dependency checks",
            Self::Start => "Start and stop",
        }
    }
}

impl Row {
    /// The name that the documentation uses.
    pub(super) const fn name(&self) -> &'static str {
        match self.names {
            [name, ..] => name,
            [] => "",
        }
    }
}

impl Unset {
    /// The text for the parser, if there is one.
    pub(super) fn text(&self, environment: &Environment) -> Option<&'static str> {
        match self {
            Self::Text(text) => Some(text),
            Self::ByEnvironment { dev, staging, prod } => {
                Some(if *environment == Environment::DEV {
                    dev
                } else if *environment == Environment::STAGING {
                    staging
                } else {
                    prod
                })
            }
            Self::Words(_) => None,
        }
    }
}

impl Show {
    /// Returns what may be seen of a value, in at most 80 characters.
    pub(super) fn of(self, value: &str) -> String {
        match self {
            Self::Text => cut(value, 80),
            Self::Url => cut(&without_secrets(value), 80),
            Self::Secret => HIDDEN.to_owned(),
        }
    }
}

/// Returns what may be seen of a text that may be a URL.
#[cfg(feature = "http")]
pub(crate) fn shown_url(text: &str) -> String {
    Show::Url.of(text)
}

/// What stands in the place of a secret.
const HIDDEN: &str = "[redacted]";

/// Returns at most so many characters of a text.
pub(super) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

// Works on any text, because it is also used to say why something is no URL.
fn without_secrets(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            let separator = if scheme.is_empty() { "" } else { "://" };
            format!("{scheme}{separator}{HIDDEN}@{after}")
        }
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Show, cut};

    #[test]
    fn nothing_of_a_secret_is_shown() {
        assert_eq!(Show::Secret.of("hunter2"), "[redacted]");
        for (url, shown) in [
            ("http://db/health?key=s3cr3t", "http://db/health"),
            ("http://u:s3cr3t@db/health", "http://[redacted]@db/health"),
            ("u:s3cr3t@db", "[redacted]@db"),
            ("http://u:s3@cr3t@db/#s3cr3t", "http://[redacted]@db/"),
        ] {
            assert_eq!(Show::Url.of(url), shown);
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(Show::Text.of(&"x".repeat(1 << 20)).chars().count(), 81);
    }
}
