//! Where a tool call comes from: the context that it begins in.

#[cfg(feature = "http")]
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::service::RequestContext;

#[cfg(feature = "http")]
use super::meta::CORRELATION_ID;
use super::span::Facts;
#[cfg(feature = "http")]
use crate::context::{
    self, Ctx, CtxParts, Id, Operation, Own, Place, Remote, TraceContext, TracePolicy, baggage,
};

/// What a call brings along, taken before the request and its context are moved.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) facts: Facts,
    #[cfg(feature = "http")]
    from: From,
}

/// What is known of the caller, not yet believed.
#[cfg(feature = "http")]
#[derive(Debug)]
struct From {
    /// The HTTP request, where `obs`' layer has seen it.
    http: Option<Ctx>,
    policy: Arc<TracePolicy>,
    /// What `_meta` says of the span that calls.
    remote: Option<Remote>,
    baggage: Option<Arc<str>>,
    correlation_id: Option<Id>,
    /// Over HTTP, from whoever that may be.
    unknown_peer: bool,
    /// Of such a peer: the span that its headers name.
    link: Option<TraceContext>,
}

impl Origin {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        Self {
            facts: Facts::of(context),
            #[cfg(feature = "http")]
            from: From::of(context),
        }
    }
}

#[cfg(feature = "http")]
impl From {
    /// rmcp runs calls in tasks of its own, and over HTTP hands the request's head along: the only
    /// way to the request that is there in every mode.
    fn of(context: &RequestContext<RoleServer>) -> Self {
        let head = context.extensions.get::<http::request::Parts>();
        let http = head.and_then(|head| head.extensions.get::<Ctx>()).cloned();
        let traffic = http.as_ref().and_then(Ctx::traffic);
        let policy =
            traffic.map_or_else(TracePolicy::global, |traffic| Arc::clone(traffic.policy()));
        let meta = &context.meta;
        let parent = meta.get_traceparent().filter(|_| policy.tracecontext);
        let unknown = head.filter(|_| http.is_none());
        let by_header = unknown.and_then(|head| Id::read(&head.headers, &context::CORRELATION_ID));
        let by_meta = meta
            .get(CORRELATION_ID)
            .and_then(|id| id.as_str())
            .map(Id::parse);
        Self {
            remote: parent.and_then(|parent| Remote::of(parent, meta.get_tracestate())),
            baggage: meta
                .get_baggage()
                .and_then(|value| baggage(value, &policy.baggage_keys)),
            correlation_id: by_header.or(by_meta).and_then(Result::ok),
            unknown_peer: unknown.is_some(),
            link: unknown
                .and_then(|head| Remote::read(&head.headers, &policy))
                .map(|remote| remote.trace),
            http,
            policy,
        }
    }
}

#[cfg(feature = "http")]
impl Origin {
    /// The context that is there before the call begins.
    pub(super) fn outer(&self) -> Option<&Ctx> {
        self.from.http.as_ref()
    }

    /// Begins the context of the call.
    ///
    /// Its parent is the span that `_meta` names, and then the HTTP request is linked; else the HTTP
    /// request; else it is a root. A peer that is not trusted with the trace of its HTTP request is
    /// not trusted with that of its message either, which then is what is linked. Who is at the other
    /// end of a pipe has started this process, or was started by it, and is trusted.
    ///
    /// Never the current span: in a session that would be one for all its calls.
    pub(super) fn begin(&self, tool: &'static str) -> Ctx {
        let From {
            http,
            remote,
            policy,
            ..
        } = &self.from;
        let Some(outer) = http.clone().or_else(Ctx::entered) else {
            return self.begin_alone(tool);
        };
        // Tool calls are rare and dear next to requests: no line of theirs is left out.
        outer.keep();
        if let Some(id) = &self.from.correlation_id {
            outer.adopt(id);
        }
        let trusted = outer.http().is_none_or(|http| http.trusted);
        let place = match remote {
            Some(remote) if trusted => Place {
                link: Some(outer.trace()),
                ..Place::below(remote, policy)
            },
            remote => Place::within(&outer, remote.as_ref().map(|remote| remote.trace)),
        };
        outer.within(place, self.own(tool, trusted))
    }

    /// Begins the context of a call that a tool makes to another.
    pub(super) fn begin_within(&self, tool: &'static str) -> Ctx {
        match Ctx::entered() {
            Some(outer) => within(&outer, tool),
            None => self.begin(tool),
        }
    }

    fn begin_alone(&self, tool: &'static str) -> Ctx {
        let From { remote, policy, .. } = &self.from;
        let place = match remote {
            Some(remote) if !self.from.unknown_peer => Place::below(remote, policy),
            remote => Place::root(
                policy,
                remote
                    .as_ref()
                    .map(|remote| remote.trace)
                    .or(self.from.link),
            ),
        };
        let parts = CtxParts {
            correlation_id: self
                .from
                .correlation_id
                .clone()
                .unwrap_or_else(Id::generate),
            request_id: None,
            place,
            baggage: None,
            propagates: policy.tracecontext,
            request: None,
            kept: true,
        };
        Ctx::begin(parts, self.own(tool, !self.from.unknown_peer))
    }

    fn own(&self, tool: &'static str, trusted: bool) -> Own {
        Own {
            operation: Some(Operation::Tool(tool)),
            baggage: self.from.baggage.clone().filter(|_| trusted),
        }
    }
}

/// Begins the context of a call of which the request is not known, below what is there.
#[cfg(feature = "http")]
pub(super) fn begin_alone(tool: &'static str) -> Ctx {
    match Ctx::current() {
        Some(outer) => {
            outer.keep();
            within(&outer, tool)
        }
        None => Ctx::named(Operation::Tool(tool)),
    }
}

#[cfg(feature = "http")]
fn within(outer: &Ctx, tool: &'static str) -> Ctx {
    let own = Own {
        operation: Some(Operation::Tool(tool)),
        baggage: None,
    };
    outer.within(Place::within(outer, None), own)
}
