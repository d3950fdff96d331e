//! The variables of traceo's own: where the other service, the data, the queue and the quotes are.

use std::ffi::OsString;
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
        Self::read(|name| std::env::var_os(name))
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let mut mistakes = Vec::new();
        let mut read = |name: &str, schemes: &[&str]| {
            // Set and empty is not set, as in compose files.
            let value = variable(name).filter(|value| !value.is_empty())?;
            // What is no Unicode is no URL: taken for unset, data would go somewhere else.
            let value = value.into_string().unwrap_or_default();
            let url = value.parse::<Url>().ok();
            let url = url.filter(|url| schemes.contains(&url.scheme()));
            let known = url.is_some();
            if let Some(url) = url
                && SHOWN.contains(&name)
                && is_more_than_a_place(&url)
            {
                mistakes.push(format!(
                    "{name} has more than a host, a port and a path: no user, password or query is \
                     sent, and the URL is shown to people"
                ));
            }
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

/// What welcomes and errors repeat, so that a person sees which address it is about.
const SHOWN: [&str; 2] = ["ENGINE_URL", "MCP_URL"];

fn is_more_than_a_place(url: &Url) -> bool {
    let has_user = !url.username().is_empty() || url.password().is_some();
    has_user || url.query().is_some() || url.fragment().is_some()
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
        let error =
            Settings::read(|name| Some(format!("mysql://u:secret@{name}").into())).unwrap_err();
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
                .into(),
            )
        });
        let settings = settings.unwrap();
        assert_eq!(settings.engine, "http://127.0.0.1:1");
        assert_eq!(settings.redis, None);
    }

    #[test]
    fn a_url_that_is_shown_to_people_holds_no_secret() {
        for url in [
            "http://ada:secret@127.0.0.1:1",
            "http://secret@127.0.0.1:1",
            "http://127.0.0.1:1/?token=secret",
            "http://127.0.0.1:1/#secret",
        ] {
            let read = Settings::read(|name| (name == "ENGINE_URL").then(|| url.into()));
            let text = read.unwrap_err().to_string();
            assert!(text.starts_with("ENGINE_URL has more than"), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_cannot_be_read_is_not_taken_for_unset() {
        use std::os::unix::ffi::OsStringExt as _;
        let unreadable = || std::ffi::OsString::from_vec(b"postgres://h/\xff".to_vec());
        let read = Settings::read(|name| (name == "DATABASE_URL").then(unreadable));
        let text = read.unwrap_err().to_string();
        assert!(text.starts_with("DATABASE_URL is no URL"), "{text}");
    }
}
