//! The variables of traceo's own: where the other service, the data, the queue and the quotes are.

use std::fmt;

use reqwest::Url;

/// Where things are that the services need.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// `DATABASE_URL`; data lies in files without it.
    pub(crate) database: Option<String>,
    /// `REDIS_URL`; the queue is in memory without it.
    pub(crate) redis: Option<String>,
    /// `ENGINE_URL`, without a slash at its end.
    pub(crate) engine: String,
    /// `MCP_URL`, without a slash at its end.
    pub(crate) mcp: String,
    /// `EXTERNAL_DATA_URL`, without a slash at its end; a stand-in answers without it.
    pub(crate) external_data: Option<String>,
}

/// What is wrong with the variables, all at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct SettingsError(Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Settings {
    /// Reads the variables of the process.
    pub(crate) fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut mistakes = Vec::new();
        let mut read = |name: &str, schemes: &[&str]| {
            // Set and empty is not set, as in compose files.
            let value = variable(name).filter(|value| !value.is_empty())?;
            let known = value
                .parse::<Url>()
                .is_ok_and(|url| schemes.contains(&url.scheme()));
            if !known {
                // Not the value, which may hold a password.
                let schemes: Vec<_> = schemes
                    .iter()
                    .map(|scheme| format!("{scheme}://"))
                    .collect();
                let schemes = schemes.join(" or ");
                mistakes.push(format!("{name} is no URL that begins with {schemes}"));
            }
            known.then(|| value.trim_end_matches('/').to_owned())
        };
        let settings = Self {
            database: read("DATABASE_URL", &["postgres", "postgresql"]),
            redis: read("REDIS_URL", &["redis"]),
            engine: read("ENGINE_URL", &["http"]).unwrap_or_else(|| "http://127.0.0.1:8788".into()),
            mcp: read("MCP_URL", &["http"]).unwrap_or_else(|| "http://127.0.0.1:8787".into()),
            external_data: read("EXTERNAL_DATA_URL", &["http"]),
        };
        if mistakes.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(mistakes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn without_variables_everything_is_on_this_machine() {
        let settings = Settings::read(|_| None).unwrap();
        assert_eq!(settings.engine, "http://127.0.0.1:8788");
        assert_eq!(settings.mcp, "http://127.0.0.1:8787");
        assert!(settings.database.is_none() && settings.redis.is_none());
    }

    #[test]
    fn all_mistakes_are_named_at_once_and_no_value_is() {
        let error = Settings::read(|name| Some(format!("mysql://u:secret@{name}"))).unwrap_err();
        let text = error.to_string();
        for name in [
            "DATABASE_URL",
            "REDIS_URL",
            "ENGINE_URL",
            "MCP_URL",
            "EXTERNAL_DATA_URL",
        ] {
            assert!(text.contains(&format!("{name} is no URL")), "{text}");
        }
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_slash_at_the_end_and_an_empty_variable_make_no_difference() {
        let settings = Settings::read(|name| {
            Some(
                if name == "ENGINE_URL" {
                    "http://127.0.0.1:1/"
                } else {
                    ""
                }
                .to_owned(),
            )
        });
        let settings = settings.unwrap();
        assert_eq!(settings.engine, "http://127.0.0.1:1");
        assert_eq!(settings.redis, None);
    }
}
