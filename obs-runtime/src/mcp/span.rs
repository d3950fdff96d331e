//! The span of a tool call, by the OpenTelemetry conventions for MCP.
//!
//! Source: `semantic-conventions-genai`, "Semantic conventions for Model Context Protocol", server
//! spans, in development.

use rmcp::RoleServer;
use rmcp::model::{ErrorCode, ProtocolVersion, RequestId};
use rmcp::service::RequestContext;
use tracing::Span;
use tracing::field::Empty;

use crate::call::{OTHER, Outcome};
use crate::prefix::prefix_of;
#[cfg(feature = "http")]
use crate::redact::hash_session;

/// Characters of a client's own request id that are shown.
const MAX_REQUEST_ID: usize = 64;

/// Bytes of an error's message that are shown.
const MAX_DESCRIPTION: usize = 1_024;

/// What a request says of itself.
#[derive(Debug)]
pub(super) struct Facts {
    id: RequestId,
    protocol: Option<&'static str>,
    #[cfg(feature = "http")]
    http: Option<HttpFacts>,
}

#[cfg(feature = "http")]
#[derive(Debug)]
struct HttpFacts {
    version: Option<&'static str>,
    session: Option<http::HeaderValue>,
}

impl Facts {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let protocol = protocol(context);
        Self {
            id: context.id.clone(),
            protocol,
            #[cfg(feature = "http")]
            http: context
                .extensions
                .get::<http::request::Parts>()
                .map(|head| HttpFacts {
                    version: crate::http::protocol_version(head.version),
                    session: head
                        .headers
                        .get("mcp-session-id")
                        .filter(|_| has_sessions(protocol))
                        .cloned(),
                }),
        }
    }

    #[cfg(feature = "http")]
    const fn is_http(&self) -> bool {
        self.http.is_some()
    }

    #[cfg(feature = "http")]
    fn http_version(&self) -> Option<&'static str> {
        self.http.as_ref()?.version
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "as with feature `http`")]
    const fn is_http(&self) -> bool {
        false
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "as with feature `http`")]
    const fn http_version(&self) -> Option<&'static str> {
        None
    }

    /// A session's id lets its owner speak in the session, so it is a secret: the span has the
    /// beginning of its SHA-256, which tells sessions apart as well.
    #[cfg(feature = "http")]
    fn session(&self) -> Option<String> {
        let id = self.http.as_ref()?.session.as_ref()?;
        Some(hash_session(id))
    }

    #[cfg(not(feature = "http"))]
    #[expect(clippy::unused_self, reason = "as with feature `http`")]
    const fn session(&self) -> Option<String> {
        None
    }
}

/// Whether the convention allows `mcp.session.id`: not from 2026-07-28 on, which has no sessions.
#[cfg(feature = "http")]
fn has_sessions(protocol: Option<&str>) -> bool {
    protocol.is_some_and(|version| version < ProtocolVersion::NO_INITIALIZE.as_str())
}

/// The version of the protocol, as far as it is one: a client may say anything.
fn protocol(context: &RequestContext<RoleServer>) -> Option<&'static str> {
    let known = |version: &str| {
        ProtocolVersion::KNOWN_VERSIONS
            .iter()
            .map(ProtocolVersion::as_str)
            .find(|known| *known == version)
    };
    if let Some(version) = context.meta.protocol_version() {
        return known(version.as_str());
    }
    // Without a session rmcp has no better idea than the oldest version.
    #[cfg(feature = "http")]
    if let Some(head) = context.extensions.get::<http::request::Parts>()
        && let Some(version) = head.headers.get("mcp-protocol-version")
    {
        return known(version.to_str().ok()?);
    }
    known(context.peer.peer_info()?.protocol_version.as_str())
}

/// Makes the span of a tool call; of a tool without a name here, that is left to the end.
pub(super) fn tool_span(
    tool: &'static str,
    facts: Option<&Facts>,
    correlation_id: Option<&str>,
) -> Span {
    let is_http = facts.is_some_and(Facts::is_http);
    let span = tracing::info_span!(
        target: "obs::mcp",
        "tools/call",
        otel.name = %format_args!("tools/call {tool}"),
        otel.kind = "server",
        otel.status_code = Empty,
        otel.status_description = Empty,
        mcp.method.name = "tools/call",
        mcp.protocol.version = facts.and_then(|facts| facts.protocol),
        mcp.session.id = facts.and_then(Facts::session),
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = (tool != OTHER).then_some(tool),
        jsonrpc.request.id = facts.map(|facts| shown_id(&facts.id)),
        network.transport = facts.map(|_| if is_http { "tcp" } else { "pipe" }),
        network.protocol.name = is_http.then_some("http"),
        network.protocol.version = facts.and_then(Facts::http_version),
        rpc.response.status_code = Empty,
        error.type = Empty,
        correlation_id,
    );
    #[cfg(feature = "http")]
    if span.is_disabled() {
        return tracing::error_span!(target: crate::context::CARRIER_SPAN, "tool");
    }
    span
}

/// Says on the span how the call ended; `begun_as` is the name it began with.
///
/// What is the caller's mistake is no error of the server, and neither is that it left.
pub(super) fn say_ended(
    span: &Span,
    begun_as: &'static str,
    tool: &'static str,
    outcome: Outcome,
    code: Option<i32>,
    message: Option<&str>,
) {
    if begun_as != tool {
        span.record(
            "otel.name",
            tracing::field::display(format_args!("tools/call {tool}")),
        );
    }
    if begun_as == OTHER {
        span.record("gen_ai.tool.name", tool);
    }
    let code = match outcome {
        Outcome::Panic => Some(ErrorCode::INTERNAL_ERROR.0),
        // rmcp makes an answer of it.
        Outcome::InvalidArguments => None,
        _ => code,
    };
    if let Some(code) = code {
        span.record("rpc.response.status_code", tracing::field::display(code));
    }
    match (outcome, code) {
        (Outcome::Panic, _) => failed(span, "panic"),
        (Outcome::ToolError | Outcome::InvalidArguments, _) => failed(span, "tool_error"),
        (Outcome::Error, Some(code)) => failed(span, tracing::field::display(code)),
        (Outcome::Error, None) => failed(span, "_OTHER"),
        (Outcome::Ok | Outcome::Cancelled | Outcome::ClientError, _) => {}
    }
    if let (Outcome::Error, Some(message)) = (outcome, message) {
        span.record(
            "otel.status_description",
            prefix_of(message, MAX_DESCRIPTION),
        );
    }
}

fn failed(span: &Span, error: impl tracing::Value) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error);
}

/// A client's id may be any text.
fn shown_id(id: &RequestId) -> String {
    match id {
        RequestId::Number(number) => number.to_string(),
        RequestId::String(text) => prefix_of(text, MAX_REQUEST_ID).to_owned(),
    }
}
