//! Which kind of error an event is.

use std::hash::{Hash, Hasher};

use ::sentry::protocol::Event;

/// Characters of a message that count.
const MAX_MESSAGE: usize = 1_024;

/// What makes events the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KindOfEvent {
    /// All but the message.
    pub(super) place: Vec<String>,
    pub(super) message: String,
}

impl KindOfEvent {
    /// A message is the same as another but for numbers and ids.
    pub(super) fn template<H: Hasher>(&self, mut hasher: H) -> u64 {
        self.place.hash(&mut hasher);
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let mut first = true;
        for word in self.message.split(|c| !is_word(c)) {
            let word = if word.contains(|c: char| c.is_ascii_digit()) {
                "#"
            } else {
                word
            };
            (first, word).hash(&mut hasher);
            first = false;
        }
        hasher.finish()
    }

    pub(super) fn exact<H: Hasher>(&self, mut hasher: H) -> u64 {
        self.place.hash(&mut hasher);
        self.message.hash(&mut hasher);
        hasher.finish()
    }
}

/// Returns which kind an event is.
pub(super) fn of(event: &Event<'_>) -> KindOfEvent {
    let own = event.fingerprint.as_ref();
    let is_default = matches!(own, [one] if one == "{{ default }}" || one == "{{default}}");
    if !own.is_empty() && !is_default {
        return KindOfEvent {
            place: own.iter().map(ToString::to_string).collect(),
            message: String::new(),
        };
    }
    let mut place: Vec<String> = Vec::new();
    let mut message = event
        .message
        .as_deref()
        .or_else(|| event.logentry.as_ref().map(|entry| entry.message.as_str()));
    for exception in &event.exception.values {
        place.push(exception.ty.clone());
    }
    if let Some(last) = event.exception.values.last() {
        message = last.value.as_deref().or(message);
        let frame = last.stacktrace.as_ref().and_then(|stacktrace| {
            let mut frames = stacktrace.frames.iter().rev();
            frames.find(|frame| frame.in_app == Some(true))
        });
        if let Some(frame) = frame {
            place.extend(frame.function.clone());
            place.push(frame.lineno.unwrap_or_default().to_string());
        }
    }
    place.extend(event.logger.clone());
    place.extend(event.tags.get("route").cloned());
    let message = message.unwrap_or_default();
    KindOfEvent {
        place,
        message: message.chars().take(MAX_MESSAGE).collect(),
    }
}
