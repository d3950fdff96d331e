//! The HTTP client of the sinks: each speaks to its own server and to no other.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{TlsConfig, TlsProvider};

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes a client that follows no redirects, asks no proxies and takes every status for an answer;
/// no exchange takes longer than `patience`, unless a request says otherwise.
pub(crate) fn agent(patience: Option<Duration>) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::Rustls).build();
    Agent::config_builder()
        .tls_config(tls)
        // What the variables say that other programs read is not for us.
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_global(patience)
        .build()
        .new_agent()
}
