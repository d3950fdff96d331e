//! Which declared peer and route a request is of.

use std::sync::{Arc, OnceLock};

use http::{Method, Uri};

use super::counts::{ClientCounts, OTHER_PEER, Row};
use super::error::{ClientProblem, PeerProblem};
use super::hosts::{PropagateHosts, bare};
use super::peer::{Base, Peer, default_port};
use crate::http::{METHODS, Traffic, UNMATCHED};
use crate::label::{Label, clamp};
use crate::metric::Cells;

/// Names the route of one request where its path alone does not tell: put it into the request's
/// extensions.
///
/// Only a template that was declared for the peer is taken; another one changes nothing.
///
/// # Example
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime::client::Route;
///
/// let request = http::Request::get("http://engine/rpc?method=jobs.list")
///     .extension(Route("/rpc#jobs.list"))
///     .body(())?;
/// # drop(request);
/// # Ok(())
/// # }
/// ```
/// With `reqwest`: `client.get(url).with_extension(Route("/rpc#jobs.list"))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(pub &'static str);

/// Everything that was declared of one client.
#[derive(Debug)]
pub(super) struct Directory {
    /// Those with the longest paths first: the first that fits is the closest.
    peers: Vec<Known>,
    other: Known,
    hosts: PropagateHosts,
    traffic: Arc<Traffic>,
}

/// One peer.
#[derive(Debug)]
struct Known {
    name: &'static str,
    base: Option<Base>,
    propagate: Option<bool>,
    templates: matchit::Router<usize>,
    /// Where requests are counted that no template matches.
    unmatched: KnownRoute,
    routes: Vec<KnownRoute>,
    in_flight: &'static Cells,
}

#[derive(Debug)]
struct KnownRoute {
    template: &'static str,
    /// By method.
    rows: [OnceLock<Row>; METHODS.len()],
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    pub(super) is_tls: bool,
    /// None where a layer further in knows it, as with gRPC channels.
    pub(super) host: Option<&'a str>,
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
}

/// What a request is counted as, and what its span says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) row: Row,
    pub(super) in_flight: &'static Cells,
    pub(super) method: &'static str,
    /// None if no template matches.
    pub(super) template: Option<&'static str>,
    pub(super) host: Option<&'a str>,
    pub(super) port: Option<u16>,
    pub(super) propagates: bool,
}

impl<'a> Target<'a> {
    pub(super) fn of(uri: &'a Uri) -> Self {
        let is_tls = uri.scheme_str() == Some("https");
        Self {
            is_tls,
            host: uri.host().filter(|host| !host.is_empty()),
            port: uri.port_u16(),
            path: uri.path(),
        }
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(default_port(self.is_tls))
    }
}

impl Directory {
    /// Makes what was declared known to the metrics.
    pub(super) fn new(declared: Checked, hosts: PropagateHosts, traffic: &Arc<Traffic>) -> Self {
        let counts = traffic.clients();
        let peers = declared.0.into_iter();
        Self {
            peers: peers.map(|peer| Known::new(peer, counts)).collect(),
            other: Known::new(CheckedPeer::other(), counts),
            hosts,
            traffic: Arc::clone(traffic),
        }
    }

    pub(super) const fn traffic(&self) -> &Arc<Traffic> {
        &self.traffic
    }

    /// Returns what a request is counted as.
    pub(super) fn find<'a>(
        &'a self,
        target: Target<'a>,
        method: &Method,
        route: Option<Route>,
    ) -> Found<'a> {
        let (peer, below) = self.peer(&target);
        let route = route
            .and_then(|Route(named)| peer.routes.iter().find(|known| known.template == named))
            .or_else(|| {
                let at = peer.templates.at(below).ok()?;
                peer.routes.get(*at.value)
            });
        let at = clamp(<Method as Label>::index(method.clone()), METHODS.len());
        let base = peer.base.as_ref();
        let host = target.host.map(bare);
        Found {
            row: peer.row(route, at, &self.traffic),
            in_flight: peer.in_flight,
            method: METHODS.get(at).copied().unwrap_or_default(),
            template: route.map(|known| known.template),
            host: host.or(base.map(|base| base.host.as_str())),
            port: match target.host {
                Some(_) => Some(target.port()),
                None => base.map(|base| base.port),
            },
            propagates: self.propagates(peer, target.host),
        }
    }

    /// Returns whether a request to there may carry ids.
    #[cfg(feature = "reqwest")]
    pub(super) fn may_see_ids(&self, target: &Target<'_>) -> bool {
        let (peer, _) = self.peer(target);
        self.propagates(peer, target.host)
    }

    fn propagates(&self, peer: &Known, host: Option<&str>) -> bool {
        let host = host.or_else(|| Some(peer.base.as_ref()?.host.as_str()));
        peer.propagate
            .unwrap_or_else(|| host.is_some_and(|host| self.hosts.allows(host)))
    }

    /// Returns the peer that a request goes to, and the path below its base URL.
    fn peer<'a>(&'a self, target: &Target<'a>) -> (&'a Known, &'a str) {
        let Some(host) = target.host.map(bare) else {
            // Whose else would it be?
            if let [only] = self.peers.as_slice() {
                let below = only.base.as_ref().and_then(|base| base.below(target.path));
                return (only, below.unwrap_or(target.path));
            }
            return (&self.other, target.path);
        };
        let found = self.peers.iter().find_map(|peer| {
            let base = peer.base.as_ref()?;
            let fits = base.is_tls == target.is_tls
                && base.port == target.port()
                && base.host.eq_ignore_ascii_case(host);
            let below = fits.then(|| base.below(target.path))??;
            Some((peer, below))
        });
        found.unwrap_or((&self.other, target.path))
    }
}

impl Known {
    fn new(peer: CheckedPeer, counts: &ClientCounts) -> Self {
        let route = |template| {
            counts.route(peer.name, template);
            KnownRoute {
                template,
                rows: [const { OnceLock::new() }; METHODS.len()],
            }
        };
        Self {
            name: peer.name,
            base: peer.base,
            propagate: peer.propagate,
            templates: peer.templates,
            unmatched: route(UNMATCHED),
            routes: peer.routes.into_iter().map(route).collect(),
            in_flight: counts.peer(peer.name),
        }
    }

    fn row(&self, route: Option<&KnownRoute>, method: usize, traffic: &Traffic) -> Row {
        let route = route.unwrap_or(&self.unmatched);
        let make = || {
            let counts = traffic.clients();
            counts.row(self.name, route.template, method, traffic.buckets())
        };
        match route.rows.get(method) {
            Some(row) => *row.get_or_init(make),
            None => make(),
        }
    }
}

/// Peers without mistakes, those with the longest paths first.
#[derive(Debug)]
pub(super) struct Checked(Vec<CheckedPeer>);

#[derive(Debug)]
struct CheckedPeer {
    name: &'static str,
    base: Option<Base>,
    propagate: Option<bool>,
    templates: matchit::Router<usize>,
    routes: Vec<&'static str>,
}

impl CheckedPeer {
    /// The hosts that nobody declared.
    fn other() -> Self {
        Self {
            name: OTHER_PEER,
            base: None,
            propagate: None,
            templates: matchit::Router::new(),
            routes: Vec::new(),
        }
    }
}

impl Checked {
    /// Looks for mistakes; they are added to the others.
    pub(super) fn new(peers: &[Peer], problems: &mut Vec<ClientProblem>) -> Self {
        let mut checked: Vec<CheckedPeer> = Vec::with_capacity(peers.len());
        for peer in peers {
            let base = match peer.base() {
                Ok(base) => Some(base.clone()),
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            };
            let twin = checked
                .iter()
                .find(|it| it.base.is_some() && it.base == base);
            if let Some(twin) = twin {
                problems.push(ClientProblem::SameBase {
                    peers: [twin.name, peer.name],
                });
            }
            let mut templates = matchit::Router::new();
            let mut routes = Vec::new();
            for template in &peer.routes {
                let reason = if template.starts_with('/') {
                    let inserted = templates.insert(*template, routes.len());
                    inserted.err().map(|error| error.to_string())
                } else {
                    Some("it does not begin with a slash".to_owned())
                };
                match reason {
                    None => routes.push(*template),
                    Some(why) => problems.push(ClientProblem::Peer {
                        peer: peer.name,
                        problem: PeerProblem::Route { template, why },
                    }),
                }
            }
            checked.push(CheckedPeer {
                name: peer.name,
                base,
                propagate: peer.propagate,
                templates,
                routes,
            });
        }
        let length = |peer: &CheckedPeer| peer.base.as_ref().map_or(0, |base| base.path.len());
        checked.sort_by_key(|peer| std::cmp::Reverse(length(peer)));
        Self(checked)
    }
}
