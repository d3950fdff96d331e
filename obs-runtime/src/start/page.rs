//! The page of the documentation that lists the variables; generated from their table.

use super::configuration::Configuration;
use super::variable::{Row, Show, Unset};

const HEAD: &str = "\
# Configuration

Generated from the table in the code: `OBS_BLESS=1 cargo test -p obs-runtime configuration_page` writes it anew.

These environment variables are read, and nothing else. All are optional, and an empty one counts as unset. Where a
variable has several names, the first one that is set counts. An option that the code chooses counts more than the variable.

A variable that cannot be understood stops the start. The error lists all of them at once, without the values of secrets;
`OBS_STRICT=0` turns it into warnings. `Obs::configuration()` shows the effective values, secrets masked.
";

impl Configuration {
    /// Returns the documentation of all variables, as Markdown: names, meanings, what is accepted,
    /// and what holds where nothing is set. The values that hold now are not in it.
    #[must_use]
    pub fn reference(&self) -> String {
        let mut page = HEAD.to_owned();
        let mut section = None;
        for row in self.rows() {
            if section.replace(row.section) != Some(row.section) {
                page.extend(["\n## ", row.section.title(), "\n"]);
            }
            page.push_str(&described(row));
        }
        page
    }
}

fn described(row: &Row) -> String {
    let names: Vec<String> = row.names.iter().map(|name| format!("`{name}`")).collect();
    let secret = match row.show {
        Show::Secret => "* A secret: shown nowhere.\n",
        Show::Text | Show::Url => "",
    };
    format!(
        "\n### {names}\n\n{meaning}\n\n* Accepted: {expected}.\n* Unset: {unset}.\n\
         * Example: `{name}={example}`\n{secret}",
        names = names.join(", then "),
        meaning = row.meaning,
        expected = row.expected,
        unset = unset(&row.unset),
        name = row.name(),
        example = row.example,
    )
}

fn unset(unset: &Unset) -> String {
    match unset {
        Unset::Text(text) => format!("`{text}`"),
        Unset::ByEnvironment { dev, staging, prod } => {
            format!("`{dev}` in dev, `{staging}` in staging, `{prod}` in prod")
        }
        Unset::Words(words) => (*words).to_owned(),
    }
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::super::variable::{Row, Unset};
    use super::super::{ConfigError, Service, config};

    fn rows() -> Vec<&'static Row> {
        config::read(Service::new("a", "1"), |_| None)
            .unwrap()
            .configuration
            .rows()
            .collect()
    }

    fn read(name: &str, value: &str) -> Result<config::Config, ConfigError> {
        config::read(Service::new("a", "1"), |asked| {
            (asked == name).then(|| OsString::from(value))
        })
    }

    #[test]
    fn configuration_page_is_in_step() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
        let config = config::read(Service::new("a", "1"), |_| None).unwrap();
        let page = config.configuration.reference();
        if std::env::var_os("OBS_BLESS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed.replace("\r\n", "\n"),
            page,
            "docs/configuration.md is out of step; OBS_BLESS=1 writes it anew"
        );
    }

    #[test]
    fn every_default_and_every_example_is_accepted() {
        for row in rows() {
            let mut texts: Vec<&str> = match &row.unset {
                Unset::Text(text) => vec![text],
                Unset::ByEnvironment { dev, staging, prod } => vec![dev, staging, prod],
                Unset::Words(_) => Vec::new(),
            };
            // The example is no file of this machine.
            if row.name() != "OBS_METRICS_TOKEN_FILE" {
                texts.push(row.example);
            }
            for text in texts {
                for name in row.names {
                    let read = read(name, text);
                    assert!(read.is_ok(), "{name}={text}: {}", read.unwrap_err());
                }
            }
        }
    }

    #[test]
    fn no_name_is_listed_twice() {
        let mut names: Vec<_> = rows().iter().flat_map(|row| row.names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
