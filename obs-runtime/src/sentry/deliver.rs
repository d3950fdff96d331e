//! One envelope, sent.

use std::time::Duration;

use ::sentry::types::Dsn;
use ureq::Agent;

use crate::agent::agent;

/// How long one envelope may take, whatever the server does.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 64 * 1024;

const USER_AGENT: &str = concat!("obs-runtime/", env!("CARGO_PKG_VERSION"));

/// Sends envelopes.
pub(crate) trait Deliver: Send {
    fn deliver(&mut self, envelope: &[u8]) -> Answer;
}

/// What a server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// None: there was no answer, and `why` says why.
    pub(crate) status: Option<u16>,
    pub(crate) why: String,
    /// `X-Sentry-Rate-Limits`
    pub(crate) rate_limits: Option<String>,
    /// `Retry-After`
    pub(crate) retry_after: Option<String>,
}

/// Sends over HTTP.
pub(super) struct Http {
    agent: Agent,
    url: String,
    auth: String,
}

impl Http {
    pub(super) fn new(dsn: &Dsn) -> Self {
        Self {
            agent: agent(Some(TIMEOUT)),
            url: dsn.envelope_api_url().to_string(),
            auth: dsn.to_auth(Some(USER_AGENT)).to_string(),
        }
    }
}

impl Deliver for Http {
    fn deliver(&mut self, envelope: &[u8]) -> Answer {
        let answer = self
            .agent
            .post(&self.url)
            .header("User-Agent", USER_AGENT)
            .header("Content-Type", "application/x-sentry-envelope")
            .header("X-Sentry-Auth", &self.auth)
            .send(envelope);
        match answer {
            Ok(mut answer) => {
                let header = |name: &str| {
                    let value = answer.headers().get(name)?.to_str().ok()?;
                    Some(value.to_owned())
                };
                let read = Answer {
                    status: Some(answer.status().as_u16()),
                    why: String::new(),
                    rate_limits: header("x-sentry-rate-limits"),
                    retry_after: header("retry-after"),
                };
                // Read for the connection to be used again; what it says is of no use.
                drop(
                    answer
                        .body_mut()
                        .with_config()
                        .limit(MAX_ANSWER)
                        .read_to_vec(),
                );
                read
            }
            Err(error) => Answer {
                why: error.to_string(),
                ..Answer::default()
            },
        }
    }
}
