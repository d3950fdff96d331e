//! Secrets and personal data, removed from a span.

use std::borrow::Cow;
use std::net::IpAddr;

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::bound::shown;
use crate::redact::{REDACTED, Redactor};

/// The address of what a client spoke to: a machine of the operator's, not of a person.
const SERVER_ADDRESS: &str = "server.address";

/// On the spans of tool calls the beginning of a session id's hash, which opens nothing.
const MCP_SESSION: &str = "mcp.session.id";

/// Removes what no sink may see from everything that text can be in, and afterwards what is more
/// than is exported.
pub(super) fn scrub(redactor: &Redactor, span: &mut SpanData) {
    free_text(redactor, &mut span.name);
    if let Status::Error { description } = &mut span.status {
        free_text(redactor, description);
    }
    attributes(redactor, &mut span.attributes);
    for event in &mut span.events.events {
        free_text(redactor, &mut event.name);
        attributes(redactor, &mut event.attributes);
    }
    for link in &mut span.links.links {
        attributes(redactor, &mut link.attributes);
    }
}

fn attributes(redactor: &Redactor, attributes: &mut [KeyValue]) {
    for KeyValue { key, value, .. } in attributes {
        let key = key.as_str();
        let is_harmless = match key {
            SERVER_ADDRESS => is_address(value),
            MCP_SESSION => is_short_hash(value),
            _ => false,
        };
        if is_harmless {
            continue;
        }
        match value {
            Value::String(text) => scrub_text(redactor, key, text),
            Value::Array(Array::String(list)) => {
                for text in list {
                    scrub_text(redactor, key, text);
                }
            }
            value => {
                if redactor.is_sensitive(key) {
                    *value = Value::from(REDACTED);
                }
            }
        }
    }
}

fn free_text(redactor: &Redactor, text: &mut Cow<'static, str>) {
    let scrubbed = redactor.scrub(text);
    let shown = shown(&scrubbed);
    if shown != *text {
        *text = Cow::Owned(shown.to_owned());
    }
}

fn scrub_text(redactor: &Redactor, key: &str, text: &mut StringValue) {
    let scrubbed = redactor.value(key, text.as_str());
    let shown = shown(&scrubbed);
    if shown != text.as_str() {
        *text = shown.to_owned().into();
    }
}

fn is_short_hash(value: &Value) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    matches!(value, Value::String(text) if text.as_str().len() == 16 && text.as_str().bytes().all(is_hex))
}

fn is_address(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.as_str().parse::<IpAddr>().is_ok())
}
