//! The size of a span, bounded before it waits anywhere.

use opentelemetry::trace::{Event, Link, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::prefix::prefix_of;

/// Bytes of one text that are exported.
pub(super) const MAX_TEXT: usize = 4 * 1024;

/// Bytes of one text that wait to be scrubbed: more than are exported, so that a secret at the edge
/// of what is exported is seen whole.
const MAX_KEPT: usize = MAX_TEXT + 1024;

/// Bytes of a whole span. Attributes that do not fit are left out, and counted in it as the
/// protocol has it.
pub(super) const MAX_SPAN: usize = 64 * 1024;

/// Elements of one list.
const MAX_ELEMENTS: usize = 128;

/// What a span takes beside its texts and lists.
const BARE: usize = size_of::<SpanData>();

/// Cuts what is too long, and returns how many bytes of memory the span takes, more or less.
pub(super) fn bound(span: &mut SpanData) -> usize {
    let mut room = Room(MAX_SPAN - BARE);
    if span.name.len() > MAX_KEPT {
        span.name = cut(&span.name).to_owned().into();
    }
    room.take(span.name.len());
    if let Status::Error { description } = &mut span.status {
        if description.len() > MAX_KEPT {
            *description = cut(description).to_owned().into();
        }
        room.take(description.len());
    }
    // The collector's limit for a trace state is far below a span's room.
    room.take(span.span_context.trace_state().header().len());
    let dropped = room.attributes(&mut span.attributes);
    span.dropped_attributes_count = span.dropped_attributes_count.saturating_add(dropped);

    let before = span.links.links.len();
    span.links
        .links
        .retain_mut(|link| room.take(size_of::<Link>()) && room.link(link));
    let dropped = before - span.links.links.len();
    span.links.dropped_count = span.links.dropped_count.saturating_add(count(dropped));

    let before = span.events.events.len();
    span.events.events.retain_mut(|event| {
        room.take(size_of::<Event>() + event.name.len().min(MAX_KEPT)) && room.event(event)
    });
    let dropped = before - span.events.events.len();
    span.events.dropped_count = span.events.dropped_count.saturating_add(count(dropped));
    MAX_SPAN - room.0
}

/// The bytes that a span may still take.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    /// Returns how many were left out.
    fn attributes(&mut self, attributes: &mut Vec<KeyValue>) -> u32 {
        let before = attributes.len();
        attributes.retain_mut(|attribute| {
            let key = attribute.key.as_str().len();
            key <= MAX_KEPT && self.take(size_of::<KeyValue>() + key + value(&mut attribute.value))
        });
        count(before - attributes.len())
    }

    fn link(&mut self, link: &mut Link) -> bool {
        let dropped = self.attributes(&mut link.attributes);
        link.dropped_attributes_count = link.dropped_attributes_count.saturating_add(dropped);
        true
    }

    fn event(&mut self, event: &mut Event) -> bool {
        if event.name.len() > MAX_KEPT {
            event.name = cut(&event.name).to_owned().into();
        }
        let dropped = self.attributes(&mut event.attributes);
        event.dropped_attributes_count = event.dropped_attributes_count.saturating_add(dropped);
        true
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Cuts a value, and returns its bytes beside those of a `Value`.
fn value(value: &mut Value) -> usize {
    match value {
        Value::String(text) => {
            if text.as_str().len() > MAX_KEPT {
                *text = cut(text.as_str()).to_owned().into();
            }
            text.as_str().len()
        }
        Value::Array(Array::Bool(list)) => {
            list.truncate(MAX_ELEMENTS);
            list.len()
        }
        Value::Array(Array::I64(list)) => {
            list.truncate(MAX_ELEMENTS);
            list.len() * size_of::<i64>()
        }
        Value::Array(Array::F64(list)) => {
            list.truncate(MAX_ELEMENTS);
            list.len() * size_of::<f64>()
        }
        Value::Array(Array::String(list)) => {
            list.truncate(MAX_ELEMENTS);
            let mut bytes = 0;
            for text in list {
                if text.as_str().len() > MAX_KEPT {
                    *text = cut(text.as_str()).to_owned().into();
                }
                bytes += size_of::<StringValue>() + text.as_str().len();
            }
            bytes
        }
        _ => 0,
    }
}

/// The beginning of a text, up to a whole character, as far as it waits.
fn cut(text: &str) -> &str {
    prefix_of(text, MAX_KEPT)
}

/// The beginning of a text that was scrubbed, as far as it is exported.
pub(super) fn shown(text: &str) -> &str {
    prefix_of(text, MAX_TEXT)
}
