//! Values about Sentry.

use super::Parsed;

pub(crate) fn dsn(text: &str) -> Parsed<String> {
    #[cfg(feature = "sentry")]
    text.parse::<::sentry::types::Dsn>()
        .map_err(|_| String::new())?;
    well_formed(text)
}

/// Sentry's rules for the name of a release.
pub(crate) fn release(text: &str) -> Parsed<String> {
    let fits = text.chars().count() <= 200
        && !matches!(text, "." | "..")
        && !text.contains(['/', '\\'])
        && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(String::new())
    }
}

// Without feature `sentry` nothing can be sent, but garbage is still no DSN.
fn well_formed(text: &str) -> Parsed<String> {
    let (scheme, rest) = text.split_once("://").ok_or_else(String::new)?;
    let has_key = rest.split_once('@').is_some_and(|(key, host)| {
        !key.is_empty()
            && host
                .split_once('/')
                .is_some_and(|(host, id)| !host.is_empty() && !id.is_empty())
    });
    let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if matches!(scheme, "http" | "https") && has_key && clean {
        Ok(text.to_owned())
    } else {
        Err(String::new())
    }
}
