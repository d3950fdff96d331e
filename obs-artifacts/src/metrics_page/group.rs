//! The families of a service in groups: what it declares first, then what `obs` brings.

use crate::catalogue::{Catalogue, Metric, Origin};

/// A group of families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Declared,
    Served,
    Sent,
    Tools,
    Operations,
    Databases,
    Service,
    Telemetry,
    Further,
}

impl Group {
    pub(super) const ALL: [Self; 9] = [
        Self::Declared,
        Self::Served,
        Self::Sent,
        Self::Tools,
        Self::Operations,
        Self::Databases,
        Self::Service,
        Self::Telemetry,
        Self::Further,
    ];

    /// The families of a service that belong to it, sorted by name.
    pub(super) fn metrics(self, catalogue: &Catalogue) -> Vec<&Metric> {
        let all = catalogue.metrics.iter();
        all.filter(|metric| Self::of(metric, catalogue) == self)
            .collect()
    }

    fn of(metric: &Metric, catalogue: &Catalogue) -> Self {
        if metric.origin == Origin::Declared {
            return Self::Declared;
        }
        let prefix = catalogue.prefix.as_ref().map(|it| format!("{it}_"));
        let bare = prefix.and_then(|prefix| metric.name.strip_prefix(&prefix));
        let name = bare.unwrap_or(&metric.name);
        let groups = [
            ("http_client_", Self::Sent),
            ("http_", Self::Served),
            ("mcp_", Self::Tools),
            ("operation_", Self::Operations),
            ("operations_", Self::Operations),
            ("db_", Self::Databases),
            ("obs_build_info", Self::Service),
            ("obs_check_up", Self::Service),
            ("obs_series", Self::Service),
            ("obs_", Self::Telemetry),
        ];
        let found = groups.iter().find(|(begin, _)| name.starts_with(begin));
        found.map_or(Self::Further, |(_, group)| *group)
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Declared => "Declared by the service",
            Self::Served => "HTTP requests served",
            Self::Sent => "HTTP requests sent",
            Self::Tools => "MCP tools",
            Self::Operations => "Operations",
            Self::Databases => "Databases and caches",
            Self::Service => "The process",
            Self::Telemetry => "The telemetry itself",
            Self::Further => "Further",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Declared => {
                "What `metrics!` blocks declare: on `/metrics` at zero before the first event."
            }
            Self::Served => {
                "Every request that reaches the router, `/metrics`, the health endpoints and the \
                 console left out. A series appears with its first request."
            }
            Self::Sent => {
                "Requests of clients that are observed. There as soon as there is one; the numbers \
                 below are for one route of one peer."
            }
            Self::Tools => "Calls of MCP tools, counted once whatever ends them.",
            Self::Operations => "Calls of functions with `#[observed]`.",
            Self::Databases => {
                "Observed pools and connections. There as soon as there is one; the numbers below \
                 are for one pool."
            }
            Self::Service => "Which build runs, what it depends on, and how many series it has.",
            Self::Telemetry => {
                "What became of lines, spans, events and scrapes: what was dropped is counted. \
                 Those about spans and Sentry are there where the sink is on."
            }
            Self::Further => "What belongs to none of these.",
        }
    }

    /// Where the values of a label come from that are not known before the process runs.
    pub(super) fn source(self, label: &str) -> &'static str {
        match (self, label) {
            (Self::Served, "route") => {
                "the router's own templates, such as `/jobs/{id}`; `unmatched` where none matches; \
                 after the first 100 (`.max_routes(n)`) `other`"
            }
            (Self::Sent, "route") => {
                "the templates that `Peer::routes` declares; `unmatched` otherwise"
            }
            (Self::Sent, "peer") => "the labels of the declared `Peer`s; `_other` otherwise",
            (Self::Databases, "pool") => "the names given to pools and connections in the code",
            (Self::Service, "check") => "the names of the readiness checks; at most 64",
            (Self::Service, "family") => "the families of the same scrape",
            (Self::Service, "service" | "version" | "environment") => "a fact about the process",
            (Self::Declared, _) => "a fact about the build",
            _ => "met while the process runs",
        }
    }
}
