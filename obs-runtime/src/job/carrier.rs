//! What is stored with a job.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::run::Job;
use crate::context::{Ctx, CtxParts, Id, Operation, Own, Place, Remote, TraceContext, TracePolicy};

/// The version that is written. Later ones may add fields and must not change these.
const VERSION: u8 = 1;

/// Longer texts are no carriers: the longest has 1,304 bytes.
const MAX_TEXT: usize = 4_096;

/// The context of a request, to be stored with a job.
///
/// Small, and the same wherever it is read: a JSON object with `correlation_id`, and `traceparent`
/// and `tracestate` if there is a trace. Stored as JSON it can be joined on in SQL. `Display` and
/// `FromStr` are the same for a text column; formats that are not for people get that text too.
///
/// It has no more than 280 bytes, or 1,304 with a `tracestate`, of which the 512 characters that the
/// recommendation asks for are kept. `baggage` is not stored.
///
/// # Reading
///
/// A job must not be lost because of what stands beside it. So reading never fails: each field is
/// taken by the rule for ids and traces from outside, or left out. Without a correlation id the job
/// gets a new one, without a trace it begins one. What was refused is said in the log (`obs::job`),
/// without its content. In formats that do not describe themselves what is stored must be a text,
/// or the format itself fails.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use obs_runtime::{Carrier, Ctx};
///
/// // Where the job is made:
/// let request = Ctx::new();
/// let stored = request.scope(|| Carrier::current().to_string());
///
/// // Where it is done, `attempt` being counted from 1:
/// let Ok(carrier) = stored.parse::<Carrier>();
/// let found = carrier
///     .job("webhook.deliver", 1)
///     .run(async { Ctx::current().unwrap() })
///     .await;
/// assert_eq!(found.correlation_id(), request.correlation_id());
/// assert_eq!(found.parent().unwrap().trace_id, request.trace().trace_id);
/// # }
/// ```
#[derive(Clone)]
pub struct Carrier {
    correlation_id: Id,
    trace: Option<TraceContext>,
    tracestate: Option<Arc<str>>,
}

impl Carrier {
    /// Takes the context of the calling code, or begins one.
    ///
    /// A job of a successful request must be found in the log: the request's lines are kept, as by
    /// [`Ctx::keep`].
    #[must_use]
    pub fn current() -> Self {
        Ctx::current().map_or_else(Self::new, |ctx| Self::of(&ctx))
    }

    /// Takes a context; see [`current`](Self::current).
    #[must_use]
    pub fn of(ctx: &Ctx) -> Self {
        ctx.keep();
        Self {
            correlation_id: ctx.correlation().clone(),
            trace: Some(ctx.innermost()),
            tracestate: ctx.tracestate().map(Arc::from),
        }
    }

    /// Begins a context for a job that no request made: a new correlation id, and no trace.
    #[must_use]
    pub fn new() -> Self {
        Self {
            correlation_id: Id::generate(),
            trace: None,
            tracestate: None,
        }
    }

    /// Returns the correlation id: 1 to 128 characters of `[A-Za-z0-9._~-]`.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        self.correlation_id.as_str()
    }

    /// Returns the span that made the job, if there was one.
    #[must_use]
    pub const fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// Begins an attempt to do the job.
    ///
    /// The first one, `attempt` 1 (or 0), is below the span that made the job, and is sampled as that
    /// was. Each further one begins a trace, linked to that span, and is sampled by itself: a job that
    /// is retried for days must not be one trace of days. All have the correlation id.
    ///
    /// # Cardinality
    /// `name` is the span's name and stands on every line: a name from the source, never an id.
    pub fn job(&self, name: &'static str, attempt: u32) -> Job {
        let policy = TracePolicy::global();
        let stored = self.trace.map(|trace| Remote {
            trace,
            decided: true,
            tracestate: self.tracestate.clone(),
            sentry: None,
        });
        let place = match stored {
            Some(stored) if attempt <= 1 => Place::below(&stored, &policy),
            stored => Place::root(&policy, stored.map(|stored| stored.trace)),
        };
        let parts = CtxParts {
            correlation_id: self.correlation_id.clone(),
            request_id: None,
            place,
            baggage: None,
            propagates: policy.tracecontext,
            request: None,
            kept: true,
        };
        let own = Own {
            operation: Some(Operation::Job { name, attempt }),
            baggage: None,
        };
        let ctx = Ctx::begin(parts, own);
        Job::new(ctx, name, attempt)
    }

    fn read(fields: &Fields<'_>) -> Self {
        let id = fields.correlation_id.as_deref().map(Id::parse);
        let trace = fields.traceparent.as_deref();
        let remote = trace.and_then(|trace| Remote::of(trace, fields.tracestate.as_deref()));
        let refused = match (&id, trace, &remote) {
            (None | Some(Err(_)), ..) => Some("correlation_id"),
            (_, Some(_), None) => Some("traceparent"),
            _ => None,
        };
        if let Some(field) = refused {
            say_refused(field);
        }
        Self {
            correlation_id: id.and_then(Result::ok).unwrap_or_else(Id::generate),
            trace: remote.as_ref().map(|remote| remote.trace),
            tracestate: remote.and_then(|remote| remote.tracestate),
        }
    }
}

#[cold]
fn say_refused(field: &'static str) {
    tracing::warn!(
        target: "obs::job",
        refused = field,
        "a stored carrier could not be read: its job is not joined to the request that made it"
    );
}

impl Default for Carrier {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Carrier {
    fn eq(&self, other: &Self) -> bool {
        self.correlation_id() == other.correlation_id()
            && self.trace == other.trace
            && self.tracestate == other.tracestate
    }
}

impl Eq for Carrier {}

impl fmt::Debug for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Carrier")
            .field("correlation_id", &self.correlation_id)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

/// The text for a column: compact JSON.
impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither ids nor traces need escaping; a `tracestate` may.
        write!(
            f,
            "{{\"v\":{VERSION},\"correlation_id\":\"{}\"",
            self.correlation_id()
        )?;
        if let Some(trace) = self.trace {
            write!(f, ",\"traceparent\":\"{}\"", trace.traceparent())?;
        }
        if let Some(state) = &self.tracestate {
            let state = serde_json::Value::from(&**state);
            write!(f, ",\"tracestate\":{state}")?;
        }
        f.write_str("}")
    }
}

/// Takes any text: see [`Carrier`], "Reading".
impl FromStr for Carrier {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let read = (text.len() <= MAX_TEXT).then(|| serde_json::from_str(text));
        Ok(read
            .and_then(Result::ok)
            .unwrap_or_else(|| Self::read(&Fields::default())))
    }
}

impl Serialize for Carrier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &VERSION)?;
        map.serialize_entry("correlation_id", self.correlation_id())?;
        if let Some(trace) = self.trace {
            map.serialize_entry("traceparent", &trace.traceparent())?;
        }
        if let Some(state) = &self.tracestate {
            map.serialize_entry("tracestate", &**state)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Carrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = if deserializer.is_human_readable() {
            deserializer.deserialize_any(OfCarrier)?
        } else {
            deserializer.deserialize_str(OfCarrier)?
        };
        Ok(match fields {
            Stored::Fields(fields) => Self::read(&fields),
            Stored::Read(carrier) => carrier,
        })
    }
}

/// The fields of a carrier, not yet believed.
#[derive(Debug, Default)]
struct Fields<'a> {
    correlation_id: Option<Cow<'a, str>>,
    traceparent: Option<Cow<'a, str>>,
    tracestate: Option<Cow<'a, str>>,
}

enum Stored {
    Fields(Fields<'static>),
    /// It was a text.
    Read(Carrier),
}

struct OfCarrier;

impl Stored {
    fn nothing() -> Self {
        Self::Fields(Fields::default())
    }
}

impl<'de> Visitor<'de> for OfCarrier {
    type Value = Stored;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a carrier")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Stored, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Text>()? {
            let Some(key) = key.0 else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let field = match &*key {
                "correlation_id" => &mut fields.correlation_id,
                "traceparent" => &mut fields.traceparent,
                "tracestate" => &mut fields.tracestate,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            // What is there and is no text is refused like a text that breaks the rules.
            let value = map.next_value::<Text>()?.0.unwrap_or_default();
            *field = Some(Cow::Owned(value));
        }
        Ok(Stored::Fields(fields))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Stored, E> {
        // A text that holds a text that holds … ends with its first layer.
        if !text.trim_start().starts_with('{') {
            return Ok(Stored::nothing());
        }
        let Ok(carrier) = text.parse();
        Ok(Stored::Read(carrier))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Stored, A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Stored::nothing())
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Stored, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }

    fn visit_unit<E>(self) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }

    fn visit_none<E>(self) -> Result<Stored, E> {
        Ok(Stored::nothing())
    }
}

/// A text, or anything else.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfText).map(Self)
    }
}

struct OfText;

impl<'de> Visitor<'de> for OfText {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field of a carrier")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.len() <= MAX_TEXT).then(|| text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        while all.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
        inner.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::Carrier;
    use crate::context::{Ctx, Id, TraceContext};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";

    fn read(text: &str) -> Carrier {
        let Ok(carrier) = text.parse();
        carrier
    }

    #[test]
    fn a_carrier_is_small_and_reads_back_as_it_was() {
        let longest = Id::parse(&"x".repeat(128)).expect("an id");
        // All of it must be escaped, twice the length is the most there is.
        let state = format!("a={}", "\"".repeat(510));
        let cases = [
            (None, None, 280),
            (TraceContext::parse(PARENT), None, 280),
            (TraceContext::parse(PARENT), Some(state.into()), 1_304),
        ];
        for (trace, tracestate, bound) in cases {
            let carrier = Carrier {
                correlation_id: longest.clone(),
                trace,
                tracestate,
            };
            let text = carrier.to_string();
            assert!(text.len() <= bound, "{} bytes", text.len());
            assert_eq!(serde_json::to_string(&carrier).expect("JSON"), text);
            let mut expected = carrier;
            // A member of it may not be so long.
            expected.tracestate = None;
            let mut found = read(&text);
            found.tracestate = None;
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_tracestate_and_the_flags_survive_the_store() {
        let text = format!(
            "{{\"v\":1,\"correlation_id\":\"c-7\",\"traceparent\":\"{PARENT}\",\"tracestate\":\"a=\\\"1\\\",b=2\"}}"
        );
        let carrier = read(&text);
        assert_eq!(carrier.to_string(), text);
        assert_eq!(carrier.tracestate.as_deref(), Some("a=\"1\",b=2"));
    }

    #[test]
    fn whatever_is_stored_gives_a_carrier_and_each_field_stands_for_itself() {
        let parent = TraceContext::parse(PARENT);
        let rows = [
            // The id survives a broken trace, and the trace a broken id.
            (
                format!(r#"{{"v":1,"correlation_id":"c-7","traceparent":"{PARENT}"}}"#),
                Some("c-7"),
                parent,
            ),
            (
                r#"{"v":1,"correlation_id":"c-7","traceparent":"00-0-0-0"}"#.to_owned(),
                Some("c-7"),
                None,
            ),
            (
                r#"{"v":1,"correlation_id":"c-7","traceparent":7}"#.to_owned(),
                Some("c-7"),
                None,
            ),
            (
                r#"{"v":1,"correlation_id":"c-7","traceparent":{"a":[1]}}"#.to_owned(),
                Some("c-7"),
                None,
            ),
            (
                format!(r#"{{"correlation_id":"a b","traceparent":"{PARENT}"}}"#),
                None,
                parent,
            ),
            (
                format!(r#"{{"correlation_id":null,"traceparent":"{PARENT}"}}"#),
                None,
                parent,
            ),
            (
                format!(
                    r#"{{"correlation_id":"{}","traceparent":"{PARENT}"}}"#,
                    "x".repeat(129)
                ),
                None,
                parent,
            ),
            (format!(r#"{{"traceparent":"{PARENT}"}}"#), None, parent),
            // A later version says more.
            (
                format!(
                    r#"{{"v":2,"more":{{"x":[1,2]}},"correlation_id":"c-7","traceparent":"{PARENT}"}}"#
                ),
                Some("c-7"),
                parent,
            ),
            (
                r#"{"v":1,"correlation_id":"c-7","tracestate":"a=1"}"#.to_owned(),
                Some("c-7"),
                None,
            ),
            // A text in a JSON column.
            (
                serde_json::Value::from(format!(
                    r#"{{"correlation_id":"c-7","traceparent":"{PARENT}"}}"#
                ))
                .to_string(),
                Some("c-7"),
                parent,
            ),
            ("{".to_owned(), None, None),
            ("null".to_owned(), None, None),
            ("7".to_owned(), None, None),
            ("-7.5".to_owned(), None, None),
            ("true".to_owned(), None, None),
            ("[]".to_owned(), None, None),
            (r#"[{"correlation_id":"c-7"}]"#.to_owned(), None, None),
            (r#""${jndi:ldap://x}""#.to_owned(), None, None),
            (String::new(), None, None),
            ("\u{0}".to_owned(), None, None),
            ("é".repeat(10_000), None, None),
            ("[".repeat(4_000), None, None),
        ];
        for (text, id, trace) in rows {
            let carrier = read(&text);
            match id {
                Some(id) => assert_eq!(carrier.correlation_id(), id, "{text}"),
                None => assert_eq!(carrier.correlation_id().len(), 36, "{text}"),
            }
            assert_eq!(carrier.trace(), trace, "{text}");
            assert!(carrier.tracestate.is_none());
        }
    }

    #[test]
    fn a_carrier_in_a_stored_job_never_fails_the_job() {
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Stored {
            order: u32,
            #[serde(default)]
            obs: Carrier,
        }
        for text in [
            r#"{"order":7,"obs":null}"#,
            r#"{"order":7,"obs":["x"]}"#,
            r#"{"order":7,"obs":"x"}"#,
            r#"{"order":7,"obs":{"correlation_id":[]}}"#,
            r#"{"order":7}"#,
        ] {
            let stored: Stored = serde_json::from_str(text).expect(text);
            assert_eq!((stored.order, stored.obs.trace()), (7, None));
        }
        let stored = Stored {
            order: 7,
            obs: Carrier::of(&Ctx::new()),
        };
        let text = serde_json::to_string(&stored).expect("JSON");
        let found: Stored = serde_json::from_str(&text).expect("JSON");
        assert_eq!(found.obs, stored.obs);
    }

    #[test]
    fn taking_a_carrier_keeps_the_lines_of_the_request() {
        let ctx = Ctx::new();
        let carrier = ctx.scope(Carrier::current);
        assert!(ctx.is_kept());
        assert_eq!(carrier.correlation_id(), ctx.correlation_id());
        assert_eq!(carrier.trace(), Some(ctx.trace()));
        assert_eq!(Carrier::current().trace(), None, "nobody's");
    }
}
