//! A service that requests go to, as it is declared at start.

use std::fmt;

use http::Uri;

use super::error::{ClientProblem, PeerProblem};
use super::hosts::bare;
use crate::label::{Label, clamp};

/// A service that requests go to: its name on the metrics, its address, and the routes of it that
/// are used.
///
/// Nothing is checked before the client is built: then every mistake of every peer is in one error.
///
/// # Cardinality
/// The name is a value of a [`Label`], and the routes are literals: both are finite. Of a request's
/// URL nothing but which of them it matches reaches a metric.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime as obs;
///
/// #[derive(obs::Label, Clone, Copy)]
/// enum Upstream {
///     Engine,
///     Rates,
/// }
///
/// let engine = obs::Peer::new(Upstream::Engine, "http://engine:8080/v1")
///     .routes(["/jobs", "/jobs/{id}"]);
/// // A partner that continues traces, although it is no host of ours.
/// let rates = obs::Peer::new(Upstream::Rates, "https://rates.example").propagate(true);
/// # let obs = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?.detached()?;
/// let layer = obs.client_layer().peer(engine).peer(rates).build()?;
/// # drop(layer);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a peer does nothing before it is given to a client"]
pub struct Peer {
    pub(super) name: &'static str,
    base: Result<Base, PeerProblem>,
    pub(super) routes: Vec<&'static str>,
    pub(super) propagate: Option<bool>,
}

/// Where a peer's URLs begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) is_tls: bool,
    /// Lower-case, without brackets and a last dot.
    pub(super) host: String,
    pub(super) port: u16,
    /// Empty, or with a slash before it and none behind.
    pub(super) path: String,
}

impl Peer {
    /// Names a peer, and says where its URLs begin: `http://engine:8080` or `https://host/v1`.
    ///
    /// A user and a password in it are not looked at. Several peers may have the same name: two
    /// regions of one service, counted together.
    pub fn new(name: impl Label, base_url: impl AsRef<str>) -> Self {
        Self {
            name: name_of(name),
            base: Base::parse(base_url.as_ref()),
            routes: Vec::new(),
            propagate: None,
        }
    }

    /// Adds templates of the paths that are asked for, below the base URL: `/jobs/{id}`.
    ///
    /// Written as axum writes them: `{id}` is one segment, `{*rest}` is all that follows. A path
    /// that none of them matches is counted as `unmatched`.
    pub fn routes(mut self, templates: impl IntoIterator<Item = &'static str>) -> Self {
        self.routes.extend(templates);
        self
    }

    /// Says whether this peer may see the ids of a request, whatever `OBS_PROPAGATE_HOSTS` says.
    pub const fn propagate(mut self, propagate: bool) -> Self {
        self.propagate = Some(propagate);
        self
    }

    pub(super) fn base(&self) -> Result<&Base, ClientProblem> {
        self.base.as_ref().map_err(|problem| ClientProblem::Peer {
            peer: self.name,
            problem: problem.clone(),
        })
    }
}

fn name_of<L: Label>(label: L) -> &'static str {
    let at = clamp(label.index(), L::VALUES.len());
    L::VALUES
        .get(at)
        .copied()
        .unwrap_or(super::counts::OTHER_PEER)
}

impl Base {
    fn parse(text: &str) -> Result<Self, PeerProblem> {
        let refuse = |why| PeerProblem::BaseUrl {
            // User, password and query are nothing for an error message.
            shown: crate::start::shown_url(text),
            why,
        };
        let uri: Uri = text.parse().map_err(|_| refuse("it is no URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refuse("it begins neither with http:// nor with https://")),
        };
        if uri.query().is_some() || text.contains('#') {
            return Err(refuse(
                "a query or a fragment is no part of where URLs begin",
            ));
        }
        let host = uri.host().map(bare).unwrap_or_default();
        if host.is_empty() {
            return Err(refuse("it has no host"));
        }
        Ok(Self {
            is_tls,
            host: host.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(default_port(is_tls)),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Returns what of a path is below the base.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.path.as_str())? {
            "" => Some("/"),
            rest if rest.starts_with('/') => Some(rest),
            _ => None,
        }
    }
}

pub(super) const fn default_port(is_tls: bool) -> u16 {
    if is_tls { 443 } else { 80 }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.name)
            .field("base", &self.base)
            .field("routes", &self.routes)
            .field("propagate", &self.propagate)
            .finish()
    }
}
