//! What a peer says of the trace that it calls from: read from, and written into, its headers.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::ctx::Ctx;
use super::sampler::TracePolicy;
use super::trace::TraceContext;

/// The headers of the W3C recommendations "Trace Context" and "Baggage".
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// What Sentry's clients in browsers send.
pub(crate) const SENTRY_TRACE: HeaderName = HeaderName::from_static("sentry-trace");

/// Travels to every hop.
pub(crate) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// The most characters of `tracestate` that must be passed on; what is longer is left out.
const MAX_TRACESTATE: usize = 512;

/// The most members of `tracestate`.
const MAX_TRACESTATE_MEMBERS: usize = 32;

/// The most characters of `baggage` that are passed on.
const MAX_BAGGAGE: usize = 8_192;

/// The most members of `baggage`.
const MAX_BAGGAGE_MEMBERS: usize = 64;

/// The most bytes of Sentry's own members of `baggage`; more are left out as a whole.
const MAX_SENTRY_BAGGAGE: usize = 2_048;

/// The span of a peer, and what travels with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) trace: TraceContext,
    /// `false` where the peer leaves the sampling to others.
    pub(crate) decided: bool,
    pub(crate) tracestate: Option<Arc<str>>,
    /// What a browser with Sentry has decided, if it is one and has.
    pub(crate) sentry: Option<SentryDecision>,
}

/// What Sentry in a browser, or in another service, has decided about a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentryDecision {
    /// Whether it records its transaction.
    pub(crate) sampled: bool,
    /// Why: its members `sentry-*` of `baggage`, as they came.
    pub(crate) baggage: Option<Arc<str>>,
}

impl SentryDecision {
    fn read(sampled: Option<bool>, headers: &HeaderMap) -> Option<Self> {
        let sampled = sampled?;
        Some(Self {
            sampled,
            // Of what is not recorded, nobody asks why.
            baggage: sampled.then(|| sentry_members(headers)).flatten(),
        })
    }
}

impl Remote {
    /// Reads `traceparent` and `tracestate`, else `sentry-trace`.
    pub(crate) fn read(headers: &HeaderMap, policy: &TracePolicy) -> Option<Self> {
        let sentry = single(headers, &SENTRY_TRACE).and_then(sentry_trace);
        let w3c = policy
            .tracecontext
            .then(|| single(headers, &TRACEPARENT).and_then(TraceContext::parse))
            .flatten();
        match (w3c, sentry) {
            (Some(trace), sentry) => Some(Self {
                trace,
                decided: true,
                tracestate: joined(headers, &TRACESTATE).and_then(|state| tracestate(&state)),
                sentry: sentry
                    .filter(|(other, _)| other.trace_id == trace.trace_id)
                    .and_then(|(_, sampled)| SentryDecision::read(sampled, headers)),
            }),
            (None, Some((trace, sampled))) => Some(Self {
                trace,
                decided: sampled.is_some(),
                tracestate: None,
                sentry: SentryDecision::read(sampled, headers),
            }),
            (None, None) => None,
        }
    }

    /// Reads the values of `traceparent` and `tracestate` as they are, from what has no headers.
    pub(crate) fn of(traceparent: &str, tracestate_value: Option<&str>) -> Option<Self> {
        Some(Self {
            trace: TraceContext::parse(traceparent)?,
            decided: true,
            tracestate: tracestate_value.and_then(tracestate),
            sentry: None,
        })
    }

    /// Begins a span below the peer's.
    pub(crate) fn begin(&self, policy: &TracePolicy) -> TraceContext {
        if self.decided {
            return policy.below(self.trace);
        }
        let sampled = policy.sampler.decide(None, self.trace.trace_id);
        TraceContext {
            sampled,
            ..self.trace.child()
        }
    }
}

/// Reads `baggage`: the members whose keys the policy passes on.
pub(crate) fn read_baggage(headers: &HeaderMap, policy: &TracePolicy) -> Option<Arc<str>> {
    if policy.baggage_keys.is_empty() {
        return None;
    }
    baggage(&joined(headers, &BAGGAGE)?, &policy.baggage_keys)
}

/// Reads the members of `baggage` that are Sentry's own; they are not passed on.
fn sentry_members(headers: &HeaderMap) -> Option<Arc<str>> {
    let all = joined(headers, &BAGGAGE)?;
    if all.len() > MAX_BAGGAGE {
        return None;
    }
    let own: Vec<&str> = members(&all)
        .filter(|member| member.starts_with("sentry-"))
        .collect();
    let own = own.join(",");
    (1..=MAX_SENTRY_BAGGAGE)
        .contains(&own.len())
        .then(|| own.into())
}

/// Several of them are none.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Lists may be split over several headers.
fn joined<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter();
    let mut joined = Cow::Borrowed(values.next()?.to_str().ok()?);
    for value in values {
        let all = joined.to_mut();
        all.push(',');
        all.push_str(value.to_str().ok()?);
    }
    Some(joined)
}

/// Source: W3C Trace Context, level 2, §3.3; what breaks it is left out as a whole, and the trace
/// goes on without.
pub(crate) fn tracestate(value: &str) -> Option<Arc<str>> {
    if value.len() > MAX_TRACESTATE {
        return None;
    }
    let members: Vec<&str> = members(value).collect();
    let fits = (1..=MAX_TRACESTATE_MEMBERS).contains(&members.len())
        && members.iter().all(|member| is_state(member))
        && members
            .iter()
            .enumerate()
            .all(|(at, member)| members[..at].iter().all(|other| key(other) != key(member)));
    fits.then(|| members.join(",").into())
}

fn members(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty())
}

fn key(member: &str) -> &str {
    member.split('=').next().unwrap_or(member).trim()
}

fn is_state(member: &str) -> bool {
    let Some((key, value)) = member.split_once('=') else {
        return false;
    };
    let starts =
        key.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
    let of_key = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    let of_value = |byte: u8| (0x20..=0x7e).contains(&byte) && !matches!(byte, b',' | b'=');
    starts
        && key.len() <= 256
        && key.bytes().all(of_key)
        && (1..=256).contains(&value.len())
        && value.bytes().all(of_value)
}

/// Source: W3C Baggage, §3.2.
pub(crate) fn baggage(value: &str, keys: &[String]) -> Option<Arc<str>> {
    if value.len() > MAX_BAGGAGE {
        return None;
    }
    let octet = |byte: u8| (0x21..=0x7e).contains(&byte) && !matches!(byte, b'"' | b'\\');
    let kept: Vec<&str> = members(value)
        .take(MAX_BAGGAGE_MEMBERS)
        .filter(|member| member.contains('=') && keys.iter().any(|known| known == key(member)))
        .filter(|member| member.bytes().all(|byte| octet(byte) || byte == b' '))
        .collect();
    (!kept.is_empty()).then(|| kept.join(",").into())
}

/// Source: Sentry's developer documentation, "Trace Propagation": `traceid-spanid-sampled`, the
/// last of them optional.
fn sentry_trace(value: &str) -> Option<(TraceContext, Option<bool>)> {
    let mut parts = value.trim().split('-');
    let (trace, span) = (parts.next()?, parts.next()?);
    let sampled = match parts.next() {
        None => None,
        Some("1") => Some(true),
        Some("0") => Some(false),
        Some(_) => return None,
    };
    if parts.next().is_some() || (trace.len(), span.len()) != (32, 16) {
        return None;
    }
    let flags = u8::from(sampled == Some(true));
    let trace = TraceContext::parse(&format!("00-{trace}-{span}-{flags:02x}"))?;
    Some((trace, sampled))
}

impl Ctx {
    /// Writes the headers by which the next service finds this request again: `traceparent`,
    /// `tracestate`, `baggage` and `X-Correlation-ID`.
    ///
    /// The parent that it names is the innermost span, where spans are exported, or else that of the
    /// request itself. `baggage` holds what came in under the keys that the service passes on.
    /// `OTEL_PROPAGATORS` may switch off all but `X-Correlation-ID`. Headers of these names are
    /// replaced.
    ///
    /// # Example
    /// ```
    /// use obs_runtime::Ctx;
    ///
    /// let ctx = Ctx::new();
    /// let mut headers = http::HeaderMap::new();
    /// ctx.inject(&mut headers);
    /// assert_eq!(headers["x-correlation-id"], ctx.correlation_id());
    /// let trace = ctx.trace().trace_id.to_string();
    /// assert!(headers["traceparent"].to_str().unwrap().contains(&trace));
    /// ```
    pub fn inject(&self, headers: &mut HeaderMap) {
        headers.insert(CORRELATION_ID, self.correlation().to_header());
        for (name, value) in self.propagated() {
            // Each was checked when it came in, or made here.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }

    /// Returns `traceparent`, `tracestate` and `baggage`, as far as there are any and the service
    /// passes them on.
    pub(crate) fn propagated(&self) -> impl Iterator<Item = (HeaderName, Cow<'_, str>)> {
        let trace = self
            .propagates()
            .then(|| Cow::Owned(self.innermost().traceparent()));
        let state = trace.as_ref().and(self.tracestate()).map(Cow::Borrowed);
        [
            (TRACEPARENT, trace),
            (TRACESTATE, state),
            (BAGGAGE, self.baggage().map(Cow::Borrowed)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Remote, baggage, read_baggage, tracestate};
    use crate::context::sampler::TracePolicy;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        headers
    }

    fn read(all: &[(&'static str, &str)]) -> Option<Remote> {
        Remote::read(&headers(all), &TracePolicy::UNSET)
    }

    #[test]
    fn c6_a_tracestate_is_taken_whole_or_left_out_and_the_trace_goes_on() {
        let longest = format!("a={}", "x".repeat(254));
        let two = format!("{longest},b={}", "y".repeat(253));
        assert_eq!(two.len(), 512);
        let members = |count: usize| {
            let all: Vec<String> = (0..count).map(|at| format!("k{at}=v")).collect();
            all.join(",")
        };
        let rows = [
            ("vendor=value", true),
            ("a=1,b=2", true),
            ("tenant@system=1", true),
            ("0a=1", true),
            (" a=1 ,\t b=2,", true),
            (two.as_str(), true),
            (&format!("{two}z"), false),
            (&members(32), true),
            (&members(33), false),
            ("", false),
            ("a", false),
            ("a=", false),
            ("A=1", false),
            ("a=1,a=2", false),
            ("a=1=2", false),
            ("a b=1", false),
        ];
        for (value, kept) in rows {
            let remote = read(&[("traceparent", PARENT), ("tracestate", value)]).unwrap();
            assert_eq!(remote.tracestate.is_some(), kept, "{value}");
            assert!(remote.trace.sampled && remote.decided);
        }
        let split = [
            ("traceparent", PARENT),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
        ];
        let state = read(&split).unwrap().tracestate;
        assert_eq!(state.as_deref(), Some("a=1,b=2"));
        assert_eq!(tracestate("a=1 , b=2").as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn c6_a_hundred_thousand_mangled_headers_are_read_or_left_without_a_panic() {
        use rand::{Rng, SeedableRng};

        let mut random = rand::rngs::StdRng::seed_from_u64(6);
        let policy = TracePolicy {
            baggage_keys: vec!["tenant".to_owned()],
            ..TracePolicy::UNSET
        };
        let seeds: [(&'static str, String); 4] = [
            ("traceparent", PARENT.to_owned()),
            ("tracestate", "a=1,tenant@system=2".to_owned()),
            (
                "sentry-trace",
                format!("{}-{}-1", &PARENT[3..35], &PARENT[36..52]),
            ),
            ("baggage", "tenant=acme;p=1,sentry-sampled=true".to_owned()),
        ];
        let mut continued = 0;
        for _ in 0..100_000 {
            let mut headers = HeaderMap::new();
            for (name, seed) in &seeds {
                let mut bytes = seed.clone().into_bytes();
                for _ in 0..random.random_range(0..4) {
                    let at = random.random_range(0..bytes.len().max(1));
                    match random.random_range(0..4) {
                        0 => bytes.truncate(at),
                        1 => bytes.insert(at.min(bytes.len()), random.random()),
                        2 if at < bytes.len() => bytes[at] = random.random(),
                        _ => bytes.extend_from_within(..at.min(bytes.len())),
                    }
                }
                if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                    headers.append(HeaderName::from_static(name), value);
                }
            }
            if let Some(remote) = Remote::read(&headers, &policy) {
                continued += 1;
                let again = remote.trace.traceparent();
                let read = crate::context::TraceContext::parse(&again);
                assert_eq!(read, Some(remote.trace));
                let state = remote.tracestate.as_deref();
                assert_eq!(state.and_then(tracestate).as_deref(), state);
            }
            read_baggage(&headers, &policy);
        }
        assert!(continued > 1_000, "{continued}");
    }

    #[test]
    fn a_tracestate_without_a_parent_is_nothing() {
        assert_eq!(read(&[("tracestate", "a=1")]), None);
        let two = [("traceparent", PARENT), ("traceparent", PARENT)];
        assert_eq!(read(&two), None);
    }

    #[test]
    fn a_browser_with_sentry_is_a_parent_where_there_is_no_other() {
        let (trace, span) = (&PARENT[3..35], &PARENT[36..52]);
        let rows = [
            (format!("{trace}-{span}-1"), Some((true, true, Some(true)))),
            (
                format!("{trace}-{span}-0"),
                Some((false, true, Some(false))),
            ),
            (format!("{trace}-{span}"), Some((false, false, None))),
            (format!("{trace}-{span}-2"), None),
            (format!("{trace}-{span}-1-1"), None),
            (format!("{trace}{span}-1"), None),
            (format!("{trace}-{}-1", "0".repeat(16)), None),
            (String::new(), None),
        ];
        for (value, expected) in rows {
            let found = read(&[("sentry-trace", &value)]).map(|remote| {
                let sentry = remote.sentry.map(|sentry| sentry.sampled);
                (remote.trace.sampled, remote.decided, sentry)
            });
            assert_eq!(found, expected, "{value}");
        }
        let other = format!("{}-{span}-1", "a".repeat(32));
        let both = read(&[("traceparent", PARENT), ("sentry-trace", &other)]).unwrap();
        assert_eq!(both.trace.traceparent(), PARENT);
        assert_eq!(both.sentry, None, "it belongs to another trace");
    }

    #[test]
    fn why_a_browser_records_is_read_where_it_records_and_within_bounds() {
        let yes = format!("{}-1", &PARENT[3..52]);
        let no = format!("{}-0", &PARENT[3..52]);
        let of = |sentry: &str, baggage: &[&str]| {
            let mut all = vec![("sentry-trace", sentry)];
            all.extend(baggage.iter().map(|value| ("baggage", *value)));
            read(&all).unwrap().sentry.unwrap().baggage
        };
        let both = ["tenant=acme, sentry-sampled=true", "sentry-org_id=1;p=1"];
        assert_eq!(
            of(&yes, &both).as_deref(),
            Some("sentry-sampled=true,sentry-org_id=1;p=1")
        );
        assert_eq!(of(&no, &both), None);
        assert_eq!(of(&yes, &["tenant=acme"]), None);
        assert_eq!(of(&yes, &[]), None);
        let long = format!("sentry-release={}", "x".repeat(2_048));
        assert_eq!(of(&yes, &[&long]), None);
        let among = format!("sentry-org_id=1,tenant={}", "x".repeat(9_000));
        assert_eq!(of(&yes, &[&among]), None);
    }

    #[test]
    fn of_a_baggage_only_the_keys_that_are_passed_on_are_taken() {
        let keys = ["tenant".to_owned(), "region".to_owned()];
        let rows = [
            ("tenant=acme", Some("tenant=acme")),
            (
                "tenant=acme;p=1, secret=x ,region=eu",
                Some("tenant=acme;p=1,region=eu"),
            ),
            ("secret=x", None),
            ("tenant", None),
            ("tenant=\"quoted\"", None),
            ("", None),
        ];
        for (value, expected) in rows {
            assert_eq!(baggage(value, &keys).as_deref(), expected, "{value}");
        }
        assert_eq!(
            baggage(&format!("tenant={}", "x".repeat(9_000)), &keys),
            None
        );
        let policy = Arc::new(TracePolicy::UNSET);
        assert_eq!(
            read_baggage(&headers(&[("baggage", "tenant=acme")]), &policy),
            None,
            "none by default"
        );
    }
}
