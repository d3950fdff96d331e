//! What was bound to a request, a job or a tool call, as Sentry takes it.

use std::borrow::Cow;

use ::sentry::protocol::{Event, User};

use crate::context::{Annotation, Ctx};
use crate::redact::Redactor;

/// The bound field that says who the user is.
const USER_ID: &str = "user_id";

/// Bound fields that an event has as tags; the log has all of them.
const MAX_TAGS: usize = 32;

/// Characters of a tag's name. Source: Sentry's developer documentation, "Event Payloads", `tags`.
const MAX_NAME: usize = 32;

/// Characters of a tag's value, from the same place, and of the user's id.
const MAX_VALUE: usize = 200;

/// What Sentry takes for something of its own or throws away.
const OF_SENTRY: &[&str] = &[
    "dist",
    "environment",
    "event_id",
    "filename",
    "function",
    "level",
    "logger",
    "mechanism",
    "release",
    "server_name",
    "site",
    "transaction",
    "url",
    "user",
];

/// Puts what was bound on an event. What the event says itself comes before it.
pub(super) fn add(ctx: &Ctx, redactor: &Redactor, event: &mut Event<'_>) {
    let bound = ctx.all_bound();
    for (name, value) in tags(&bound, redactor) {
        event.tags.entry(name).or_insert(value);
    }
    let is_id = |(key, _): &&(Cow<'_, str>, Annotation)| key == USER_ID;
    if let Some((key, value)) = bound.iter().find(is_id) {
        let user = event.user.get_or_insert_with(User::default);
        if user.id.is_none() {
            user.id = shown(key, value, redactor);
        }
    }
}

/// Returns the tags that are made of what was bound, first come, first served.
pub(super) fn tags(
    bound: &[(Cow<'static, str>, Annotation)],
    redactor: &Redactor,
) -> Vec<(String, String)> {
    let named = bound.iter().filter_map(|(key, value)| {
        let name = name(key).filter(|_| key != USER_ID)?;
        Some((name, shown(key, value, redactor)?))
    });
    named.take(MAX_TAGS).collect()
}

/// Returns the name of a tag: Sentry refuses an event's tags that have any other.
fn name(key: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    let name: String = key
        .chars()
        .take(MAX_NAME)
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    (!name.is_empty() && !OF_SENTRY.contains(&&*name)).then_some(name)
}

/// Returns a value without secrets, on one line, or nothing where nothing is left.
fn shown(key: &str, value: &Annotation, redactor: &Redactor) -> Option<String> {
    let text = match value {
        Annotation::Text(text) => Cow::Borrowed(text.as_str()),
        Annotation::Signed(number) => Cow::Owned(number.to_string()),
        Annotation::Unsigned(number) => Cow::Owned(number.to_string()),
        Annotation::Float(number) => Cow::Owned(number.to_string()),
        Annotation::Bool(value) => Cow::Owned(value.to_string()),
    };
    // Before it is cut: half of a secret no longer looks like one.
    let text = redactor.value(key, &text);
    let line: String = text
        .chars()
        .take(MAX_VALUE)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
