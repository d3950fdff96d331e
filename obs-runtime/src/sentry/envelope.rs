//! What is in an envelope, without what must not leave the process.
//!
//! Everything is read back from the text that would be sent, so that nothing can be forgotten:
//! fields that a later version of the client adds go through the same scrubbing.

use ::sentry::Breadcrumb;
use ::sentry::Envelope;
use ::sentry::protocol::{Context, EnvelopeItem, Event, Value};
use serde_json::value::Map as Object;

use super::DECIDED;
use super::counts::Kind;
use super::head::HEAD;
use crate::prefix::prefix_of;
use crate::redact::{REDACTED, Redactor};

/// Bytes of one text that are sent.
const MAX_TEXT: usize = 8 * 1024;

/// Bytes of one text that wait to be scrubbed: more than are sent, so that a secret at the edge of
/// what is sent is seen whole.
const MAX_WAITING: usize = 2 * MAX_TEXT;

/// Bytes of one text of a breadcrumb that are kept.
const MAX_BREADCRUMB: usize = 2 * 1024;

/// Ids, by their keys: hexadecimal, and never taken for anything else.
const IDS: &[&str] = &[
    "code_id",
    "debug_id",
    "event_id",
    "id",
    "image_addr",
    "instruction_addr",
    "parent_span_id",
    "span_id",
    "symbol_addr",
    "trace_id",
];

/// An envelope as it will be sent.
pub(super) struct Read {
    pub(super) header: Value,
    pub(super) items: Vec<Item>,
}

pub(super) struct Item {
    pub(super) kind: Kind,
    /// Nothing of it may be sent.
    pub(super) withheld: bool,
    /// Which kind of error it is the first of.
    pub(super) first_of_kind: Option<u64>,
    /// What the browser that began its trace says, empty where it says nothing.
    head: Option<Object<String, Value>>,
    header: Object<String, Value>,
    payload: Value,
}

pub(super) fn kind_of(item: &EnvelopeItem) -> Kind {
    match item {
        EnvelopeItem::Event(_) => Kind::Error,
        EnvelopeItem::Transaction(_) => Kind::Transaction,
        _ => Kind::Other,
    }
}

pub(super) fn first_of_kind(envelope: &Envelope) -> Option<u64> {
    key_of(envelope.event()?.extra.get(DECIDED)?)
}

fn key_of(mark: &Value) -> Option<u64> {
    mark.as_str()?.parse().ok()
}

/// Cuts the texts that a peer may have made long, before they wait in the queue.
pub(super) fn cut(event: &mut Event<'_>) {
    let exceptions = event.exception.values.iter_mut();
    let texts = exceptions.filter_map(|exception| exception.value.as_mut());
    let texts = texts.chain(event.message.as_mut());
    for text in texts.chain(event.tags.values_mut()) {
        cut_text(text, MAX_WAITING);
    }
    event.extra.values_mut().for_each(cut_value);
    for context in event.contexts.values_mut() {
        if let Context::Other(fields) = context {
            fields.values_mut().for_each(cut_value);
        }
    }
}

/// Cuts the texts of a breadcrumb, of which a request keeps many for as long as it lasts.
///
/// Long ones are scrubbed before: half of a secret no longer looks like one.
pub(super) fn cut_breadcrumb(mut breadcrumb: Breadcrumb, redactor: &Redactor) -> Breadcrumb {
    let mut cut = |text: &mut String| {
        if text.len() > MAX_BREADCRUMB {
            cut_text(text, 2 * MAX_BREADCRUMB);
            *text = redactor.scrub(text).into_owned();
            cut_text(text, MAX_BREADCRUMB);
        }
    };
    if let Some(message) = &mut breadcrumb.message {
        cut(message);
    }
    for value in breadcrumb.data.values_mut() {
        each_text(value, &mut cut);
    }
    breadcrumb
}

fn cut_value(value: &mut Value) {
    each_text(value, &mut |text| cut_text(text, MAX_WAITING));
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| each_text(value, change)),
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| each_text(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn cut_text(text: &mut String, max: usize) {
    if text.len() > max {
        text.truncate(prefix_of(text, max).len());
        // What was cut off is not needed either.
        text.shrink_to_fit();
        text.push('…');
    }
}

/// Reads the items of an envelope, scrubbed.
pub(super) fn read(envelope: &Envelope, redactor: &Redactor, traces_rate: Option<f64>) -> Read {
    let mut text = Vec::new();
    // Writing to memory; what cannot be written as JSON is missing and thereby withheld.
    drop(envelope.to_writer(&mut text));
    let mut rest = text.as_slice();
    let mut header = line(&mut rest)
        .and_then(|line| serde_json::from_slice(line).ok())
        .unwrap_or(Value::Object(Object::new()));
    if let Some(traces_rate) = traces_rate
        && let Some(rate) = header.pointer_mut("/trace/sample_rate")
    {
        // The client only knows that this one is sampled.
        *rate = Value::from(traces_rate.to_string());
    }
    let mut items = Vec::new();
    while let Some(mut item) = read_item(&mut rest, redactor) {
        if let (Some(head), Some(header)) = (item.head.take(), header.as_object_mut()) {
            join(header, head, redactor);
        }
        items.push(item);
    }
    Read { header, items }
}

/// Puts what a browser said of its trace in the place of what the client knows of it.
fn join(header: &mut Object<String, Value>, head: Object<String, Value>, redactor: &Redactor) {
    if head.is_empty() {
        header.remove("trace");
        return;
    }
    let scrubbed = head.into_iter().map(|(key, value)| {
        let id = matches!(&*key, "trace_id" | "public_key" | "org_id" | "replay_id");
        let value = match value {
            Value::String(text) if !id => Value::from(redactor.scrub(&text)),
            value => value,
        };
        (key, value)
    });
    header.insert("trace".to_owned(), Value::Object(scrubbed.collect()));
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(rest.len());
    let line = rest.get(..end)?;
    *rest = rest.get(end + 1..).unwrap_or_default();
    Some(line)
}

fn read_item(rest: &mut &[u8], redactor: &Redactor) -> Option<Item> {
    let line_of_header = line(rest)?;
    let header: Object<String, Value> = serde_json::from_slice(line_of_header).unwrap_or_default();
    let length = header
        .get("length")
        .and_then(Value::as_u64)
        .and_then(|length| usize::try_from(length).ok());
    let payload = match length {
        Some(length) => {
            let payload = rest.get(..length).unwrap_or_default();
            *rest = rest.get(length + 1..).unwrap_or_default();
            payload
        }
        None => line(rest).unwrap_or_default(),
    };
    let kind = match header.get("type").and_then(Value::as_str) {
        Some("event") => Kind::Error,
        Some("transaction") => Kind::Transaction,
        _ => Kind::Other,
    };
    let is_attachment = header.get("type").and_then(Value::as_str) == Some("attachment");
    let read: Option<Value> = serde_json::from_slice(payload).ok();
    let withheld = is_attachment || read.is_none();
    let mut payload = read.unwrap_or_default();
    let extra = payload.pointer_mut("/extra").and_then(Value::as_object_mut);
    let (mark, head) = extra
        .map(|extra| (extra.remove(DECIDED), extra.remove(HEAD)))
        .unwrap_or_default();
    leave_out(&mut payload);
    Scrubber { redactor }.value(&mut payload);
    Some(Item {
        kind,
        withheld,
        first_of_kind: mark.as_ref().and_then(key_of),
        head: match head {
            Some(Value::Object(head)) => Some(head),
            _ => None,
        },
        header,
        payload,
    })
}

/// Writes an envelope of these items.
pub(super) fn write(header: &Value, items: &[Item]) -> Vec<u8> {
    let mut text = header.to_string();
    for item in items {
        let payload = item.payload.to_string();
        let mut header = item.header.clone();
        header.insert("length".to_owned(), Value::from(payload.len()));
        text.push('\n');
        text.push_str(&Value::Object(header).to_string());
        text.push('\n');
        text.push_str(&payload);
    }
    text.push('\n');
    text.into_bytes()
}

/// Removes what is about persons and machines by its place.
fn leave_out(payload: &mut Value) {
    let Some(payload) = payload.as_object_mut() else {
        return;
    };
    payload.remove("server_name");
    if let Some(exceptions) = payload.get_mut("exception") {
        leave_out_causes(exceptions);
    }
    if let Some(breadcrumbs) = payload.get_mut("breadcrumbs") {
        for breadcrumb in values_of(breadcrumbs) {
            let data = breadcrumb.get_mut("data").and_then(Value::as_object_mut);
            for value in data.into_iter().flat_map(Object::values_mut) {
                leave_out_listed_causes(value);
            }
        }
    }
    if let Some(extra) = payload.get("extra").and_then(Value::as_object)
        && extra.is_empty()
    {
        payload.remove("extra");
    }
    for (place, kept) in [("user", "id"), ("request", "method")] {
        keep(payload.get_mut(place), &[kept]);
        if payload
            .get(place)
            .and_then(Value::as_object)
            .is_some_and(Object::is_empty)
        {
            payload.remove(place);
        }
    }
    let contexts = payload.get_mut("contexts").and_then(Value::as_object_mut);
    if let Some(contexts) = contexts {
        contexts.remove("device");
        keep(
            contexts.get_mut("response"),
            &["type", "status_code", "body_size"],
        );
    }
    for place in [
        "/threads/values",
        "/threads",
        "/exception/values",
        "/exception",
    ] {
        let values = Value::Object(std::mem::take(payload));
        *payload = each(values, place, |value| {
            value.remove("name");
            for stacktrace in ["stacktrace", "raw_stacktrace"] {
                let frames = value
                    .get_mut(stacktrace)
                    .and_then(|stacktrace| stacktrace.get_mut("frames"))
                    .and_then(Value::as_array_mut);
                for frame in frames
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_object_mut)
                {
                    frame.remove("vars");
                }
            }
        });
    }
}

/// Removes what the causes of an error say: the same that the log leaves away. Their types remain.
fn leave_out_causes(exceptions: &mut Value) {
    // The error itself comes last, or before an exception that the client made up for a message.
    let mut is_cause = false;
    for exception in values_of(exceptions).iter_mut().rev() {
        let made_up = exception.pointer("/mechanism/synthetic") == Some(&Value::Bool(true));
        match exception.as_object_mut() {
            Some(exception) if is_cause => drop(exception.remove("value")),
            _ => is_cause = !made_up,
        }
    }
}

/// As [`leave_out_causes`], of an error in a breadcrumb: a list of `Type: text`, itself first.
fn leave_out_listed_causes(value: &mut Value) {
    let Some([_, causes @ ..]) = value.as_array_mut().map(Vec::as_mut_slice) else {
        return;
    };
    for cause in causes {
        if let Value::String(text) = cause
            && let Some((kind, _)) = text.split_once(": ")
        {
            text.truncate(kind.len());
        }
    }
}

/// The values of a list, which may stand under `values` or alone.
fn values_of(list: &mut Value) -> &mut [Value] {
    let list = match list {
        Value::Object(object) => object.get_mut("values"),
        list => Some(list),
    };
    list.and_then(Value::as_array_mut)
        .map_or(&mut [], Vec::as_mut_slice)
}

fn each(
    mut value: Value,
    place: &str,
    mut change: impl FnMut(&mut Object<String, Value>),
) -> Object<String, Value> {
    let values = value.pointer_mut(place).and_then(Value::as_array_mut);
    for one in values
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        change(one);
    }
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn keep(object: Option<&mut Value>, keys: &[&str]) {
    if let Some(object) = object.and_then(Value::as_object_mut) {
        object.retain(|key, _| keys.contains(&key.as_str()));
    }
}

struct Scrubber<'r> {
    redactor: &'r Redactor,
}

impl Scrubber<'_> {
    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Object(object) => self.object(object),
            Value::Number(number) => {
                // A card number is one without quotes, too.
                let text = number.to_string();
                if self.redactor.scrub(&text) != text {
                    *value = Value::from(REDACTED);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn object(&self, object: &mut Object<String, Value>) {
        for (key, value) in object.iter_mut() {
            if is_own_id(key, value) {
                continue;
            }
            if self.redactor.is_sensitive(key) {
                *value = match value {
                    Value::String(text) => Value::from(self.redactor.value(key, text)),
                    Value::Null | Value::Bool(_) => continue,
                    _ => Value::from(REDACTED),
                };
            } else {
                self.value(value);
            }
        }
        // Keys may be made of texts as well.
        let is_clean =
            |key: &String| matches!(self.redactor.scrub(key), std::borrow::Cow::Borrowed(_));
        if !object.keys().all(is_clean) {
            *object = std::mem::take(object)
                .into_iter()
                .map(|(key, value)| (self.redactor.scrub(&key).into_owned(), value))
                .collect();
        }
    }

    fn text(&self, text: &mut String) {
        cut_text(text, MAX_WAITING);
        if let std::borrow::Cow::Owned(scrubbed) = self.redactor.scrub(text) {
            *text = scrubbed;
        }
        cut_text(text, MAX_TEXT);
    }
}

/// Ids that are checked where they come in, or made of hexadecimal digits.
fn is_own_id(key: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return false;
    };
    match key {
        "correlation_id" | "request_id" => text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-')),
        _ => {
            IDS.contains(&key)
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'x'))
        }
    }
}
