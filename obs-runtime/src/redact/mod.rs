//! Secrets and personal data, removed before anything reaches a sink: by the key that they stand
//! under, and by their shape.

mod key;
mod scan;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};

use key::Keys;

/// What stands where something was removed.
pub(crate) const REDACTED: &str = "[redacted]";

/// What stands before the hash of a session id.
const HASHED: &str = "sha256:";

/// Knows which keys and which shapes of text must not reach a sink.
///
/// By key: passwords, secrets, tokens, cookies, API and private keys, credentials, session ids,
/// e-mail addresses, phone, card, account and social security numbers, DSNs; however the key is
/// written (`refreshToken`, `X-Api-Key`, `db.password`). A key that says it counts or describes
/// (`tokens_used`, `token_count`, `password_expires_at`) is none of them.
///
/// By shape:
///
/// | shape | what stays |
/// |---|---|
/// | `Bearer x`, `Basic x` | the scheme; prose (`bearer token missing`) |
/// | a JWT | |
/// | an API key by its prefix: `sk_live_`, `sk_test_`, `rk_live_`, `rk_test_`, `sk-ant-`, `sk-proj-`, `ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_`, `github_pat_`, `glpat-`, `AKIA`, `ASIA`, `AIza`, `xoxa-`, `xoxb-`, `xoxp-`, `xoxr-`, `xoxs-`, `npm_`, `whsec_`, `SG.`, and at least 16 bytes of key (`AIza` 35, `npm_` 36) | the prefix alone or before words (`npm_config_registry`); publishable keys (`pk_live_`) |
/// | an e-mail address | a name at a host without a dot (`root@db`) |
/// | a card number: 13 to 19 digits in groups of at least four, valid by Luhn, first digit 2 to 6 | times in any unit since 1970, which begin with 1 |
/// | an IPv4 address: four numbers up to 255 | three or five numbers; `v1.2.3.4` and `version 1.2.3.4`; `127.0.0.0/8` and `0.0.0.0`, which are nobody's |
/// | an IPv6 address | `::`, `::1`; times, paths of Rust |
/// | the user and password of a URL | the rest of it |
/// | a PEM private key | |
/// | `key=value`, `key: value`, `"key":"value"` with a sensitive key | the key |
///
/// Ids of `obs`, UUIDs, trace ids, durations, dates, paths and `name:port` stay as they are.
/// Session ids become a hash, by which their lines can still be brought together.
///
/// Every byte of a text is looked at a bounded number of times, whatever the text.
#[derive(Debug, Default)]
pub(crate) struct Redactor {
    keys: Keys,
}

impl Redactor {
    /// Takes the keys of `OBS_REDACT_KEYS`, which extend the built-in ones.
    pub(crate) fn new(keys: &[String]) -> Self {
        Self {
            keys: Keys::new(keys),
        }
    }

    /// Returns whether whatever stands under this key must not be seen.
    pub(crate) fn is_sensitive(&self, key: &str) -> bool {
        self.keys.is_sensitive(key)
    }

    /// Removes what has the shape of a secret or of personal data.
    pub(crate) fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        guarded(text, |text| scan::scrub(&self.keys, text))
    }

    /// Returns what a sink may see of the text under a key.
    pub(crate) fn value<'a>(&self, key: &str, text: &'a str) -> Cow<'a, str> {
        if !self.is_sensitive(key) {
            return self.scrub(text);
        }
        if key::is_session(key) && !is_hashed(text) {
            return Cow::Owned(hashed(text));
        }
        if is_hashed(text) {
            return Cow::Borrowed(text);
        }
        Cow::Borrowed(REDACTED)
    }
}

/// Shows nothing of a text that it cannot be scrubbed of its secrets.
fn guarded<'a>(text: &'a str, scrub: impl FnOnce(&'a str) -> Cow<'a, str>) -> Cow<'a, str> {
    catch_unwind(AssertUnwindSafe(|| scrub(text))).unwrap_or(Cow::Borrowed(REDACTED))
}

/// Returns the first 16 hexadecimal digits of the SHA-256 of a session id.
pub(crate) fn hash_session(id: impl AsRef<[u8]>) -> String {
    let digest = Sha256::digest(id);
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn hashed(id: &str) -> String {
    format!("{HASHED}{}", hash_session(id))
}

/// Whether a text is what stands for a session id already: scrubbing twice changes nothing.
fn is_hashed(text: &str) -> bool {
    text.strip_prefix(HASHED).is_some_and(|hash| {
        hash.len() == 16
            && hash
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}
