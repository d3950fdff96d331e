//! What a request's canonical log line says besides its fixed fields.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use super::Ctx;
use crate::prefix::prefix_of;

/// Annotations that one request may have; further ones are dropped.
const MAX_ANNOTATIONS: usize = 64;

/// Bytes of a text that a sink shows.
pub(crate) const MAX_ANNOTATION: usize = 1_024;

/// Bytes of a text that wait to be scrubbed: more than are shown, so that a secret at the edge of
/// what is shown is seen whole.
const MAX_KEPT: usize = 2 * MAX_ANNOTATION;

/// Bytes of a key that are kept.
const MAX_KEY: usize = 128;

/// The value of an annotation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Annotation {
    /// A text, of which 1,024 bytes are kept.
    Text(String),
    /// A whole number.
    Signed(i64),
    /// A whole number that is not negative.
    Unsigned(u64),
    /// A number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
}

/// The annotations of one request.
#[derive(Debug, Default)]
pub(super) struct Annotations(Mutex<Vec<(Cow<'static, str>, Annotation)>>);

impl Annotations {
    pub(super) fn set(&self, key: Cow<'static, str>, value: Annotation) {
        let key = match key {
            Cow::Owned(key) => Cow::Owned(cut(key, MAX_KEY)),
            Cow::Borrowed(key) => Cow::Borrowed(key),
        };
        let value = match value {
            Annotation::Text(text) => Annotation::Text(cut(text, MAX_KEPT)),
            other => other,
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.iter().position(|(known, _)| *known == key) {
            Some(at) => entries[at].1 = value,
            None if entries.len() < MAX_ANNOTATIONS => entries.push((key, value)),
            None => {}
        }
    }

    pub(super) fn value(&self, key: &str) -> Option<Annotation> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.iter().find(|(known, _)| known == key)?;
        Some(entry.1.clone())
    }

    pub(super) fn get(&self) -> Vec<(Cow<'static, str>, Annotation)> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // No allocation where there are none.
        if entries.is_empty() {
            Vec::new()
        } else {
            entries.clone()
        }
    }
}

/// Adds a field to the canonical log line of the current request (`request_completed`).
///
/// The last value of a key wins. Anything may be said here, ids included: it goes to the log and
/// never to a metric. Secrets are removed as everywhere. Outside of a request, and past 64 keys, it
/// does nothing.
///
/// # Example
/// ```
/// obs_runtime::annotate("order_id", "o-117");
/// obs_runtime::annotate("items", 3);
/// ```
pub fn annotate(key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) {
    if let Some(ctx) = Ctx::current() {
        ctx.annotate(key, value);
    }
}

/// Puts a field on every later line of the current request, job or tool call, those of spawned tasks
/// included: the id of an order, of a job, of a tenant.
///
/// The last value of a key wins, and what an event or a span says itself comes before it. Anything may
/// be said here, ids included: it goes to the log and never to a metric. Secrets are removed as
/// everywhere. Outside of a request, and past 64 keys, it does nothing.
///
/// # Who has it
/// An HTTP request shares its fields with the MCP tool calls that it brought, with
/// [`#[observed]`](macro@crate::observed) operations and with what [`spawn`](crate::spawn) and its like
/// started, whoever of them binds. A [`Carrier`](crate::Carrier) has ids alone: a job begins without
/// fields, and [`Job::bind`](crate::Job::bind) gives it its own. Nothing is sent to other services.
///
/// # In Sentry
/// Events and transactions (feature `sentry`) have the first 32 as tags, with 32 characters of the key
/// and 200 of the value, which is what Sentry takes; the log has all. The key `user_id` is the
/// event's `user.id` instead, by which Sentry counts affected users: bind an opaque id there.
///
/// # Example
/// ```
/// obs_runtime::bind("user_id", "u-17");
/// obs_runtime::bind("job_id", 7);
/// tracing::info!("this line and all later ones of the request have `job_id`");
/// ```
pub fn bind(key: impl Into<Cow<'static, str>>, value: impl Into<Annotation>) {
    if let Some(ctx) = Ctx::current() {
        ctx.bind(key, value);
    }
}

fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(prefix_of(&text, max).len());
        text.shrink_to_fit();
    }
    text
}

impl From<String> for Annotation {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Annotation {
    fn from(text: &str) -> Self {
        Self::Text(cut(text.to_owned(), MAX_KEPT))
    }
}

impl From<&String> for Annotation {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Cow<'_, str>> for Annotation {
    fn from(text: Cow<'_, str>) -> Self {
        text.into_owned().into()
    }
}

macro_rules! numbers {
    ($($variant:ident($wide:ty): $($narrow:ty),+;)+) => {$($(
        impl From<$narrow> for Annotation {
            fn from(value: $narrow) -> Self {
                Self::$variant(<$wide>::from(value))
            }
        }
    )+)+};
}

numbers! {
    Signed(i64): i8, i16, i32, i64;
    Unsigned(u64): u8, u16, u32, u64;
    Float(f64): f32, f64;
    Bool(bool): bool;
}

impl From<usize> for Annotation {
    fn from(value: usize) -> Self {
        Self::Unsigned(value as u64)
    }
}

impl From<isize> for Annotation {
    fn from(value: isize) -> Self {
        Self::Signed(value as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::{Annotation, Annotations, MAX_KEPT, MAX_KEY};

    #[test]
    fn an_annotation_is_cut_however_it_was_made() {
        let annotations = Annotations::default();
        let long = "é".repeat(1_000_000);
        annotations.set(long.clone().into(), Annotation::Text(long));
        let kept = annotations.get();
        let [(key, Annotation::Text(text))] = kept.as_slice() else {
            panic!("{} annotations", kept.len());
        };
        assert_eq!((key.len(), text.len()), (MAX_KEY, MAX_KEPT));
    }
}
