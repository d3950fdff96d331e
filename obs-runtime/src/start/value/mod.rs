//! The parsers of the variables' values. An error says what to add to "expected …".

#[cfg(feature = "http")]
pub(super) mod access;
#[cfg(feature = "http")]
pub(super) mod log;
#[cfg(feature = "http")]
pub(super) mod network;
#[cfg(feature = "http")]
pub(super) mod sentry;
#[cfg(feature = "http")]
pub(super) mod traces;

use super::Environment;

/// A parser's result; the reason may be empty, where what is expected says it all.
pub(super) type Parsed<T> = Result<T, String>;

/// What `OTEL_RESOURCE_ATTRIBUTES` says about this service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceAttributes {
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) environment: Option<Environment>,
    /// The others, as they stand.
    pub(crate) rest: Vec<(String, String)>,
}

pub(super) fn environment(text: &str) -> Parsed<Environment> {
    Environment::parse(text).ok_or_else(String::new)
}

pub(super) fn name(text: &str) -> Parsed<String> {
    if text.len() > 255 || text.chars().any(char::is_control) {
        return Err(String::new());
    }
    Ok(text.to_owned())
}

pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(String::new()),
    }
}

/// Reads `key=value,key=value` with the values percent-encoded, as OpenTelemetry writes it.
pub(super) fn resource_attributes(text: &str) -> Parsed<ResourceAttributes> {
    let mut attributes = ResourceAttributes::default();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (key, value) = pair.split_once('=').ok_or("a pair has no `=`")?;
        let key = key.trim();
        if key.is_empty() || key.chars().any(char::is_control) {
            return Err("a key is empty or has control characters".to_owned());
        }
        let value = decode(value.trim()).ok_or("a value is not percent-encoded UTF-8")?;
        let value = name(&value)
            .map_err(|_| "a value is longer than 255 bytes or has control characters")?;
        match key {
            "service.name" if !value.is_empty() => attributes.service_name = Some(value),
            "service.version" if !value.is_empty() => attributes.service_version = Some(value),
            "deployment.environment.name" if !value.is_empty() => {
                let environment = Environment::parse(&value).ok_or(
                    "deployment.environment.name is not 1 to 64 of the characters \
                     `A-Z a-z 0-9 . _ -`",
                )?;
                attributes.environment = Some(environment);
            }
            _ => attributes.rest.push((key.to_owned(), value)),
        }
    }
    Ok(attributes)
}

pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        if *byte == b'%' {
            let [high, low, tail @ ..] = tail else {
                return None;
            };
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(*high)? * 16 + digit(*low)?;
            bytes.push(u8::try_from(value).ok()?);
            rest = tail;
        } else {
            bytes.push(*byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}
