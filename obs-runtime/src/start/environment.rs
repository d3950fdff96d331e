//! The environment that the service runs in.

use std::borrow::Cow;
use std::fmt;

/// Where the service runs: `dev`, `staging`, `prod`, or a name of the operator's own.
///
/// # Example
/// ```
/// use obs_runtime::Environment;
///
/// assert_eq!(Environment::parse("Production").unwrap().name(), "prod");
/// let canary = Environment::parse("canary-7").unwrap();
/// assert!(canary.is_production(), "unknown names behave like prod");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    name: Cow<'static, str>,
}

impl Environment {
    /// Development.
    pub const DEV: Self = Self {
        name: Cow::Borrowed("dev"),
    };
    /// Staging.
    pub const STAGING: Self = Self {
        name: Cow::Borrowed("staging"),
    };
    /// Production.
    pub const PROD: Self = Self {
        name: Cow::Borrowed("prod"),
    };

    /// Reads a name: `dev` or `development`, `staging` or `stage`, `prod` or `production`, or any
    /// other of 1 to 64 characters of `[A-Za-z0-9._-]`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
            return None;
        }
        Some(match name.to_ascii_lowercase().as_str() {
            "dev" | "development" => Self::DEV,
            "staging" | "stage" => Self::STAGING,
            "prod" | "production" => Self::PROD,
            _ => Self {
                name: Cow::Owned(name.to_owned()),
            },
        })
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the service must behave as in production.
    #[must_use]
    pub fn is_production(&self) -> bool {
        *self != Self::DEV && *self != Self::STAGING
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
