//! W3C trace context: the ids of a trace and `traceparent`.

use std::fmt;

use super::ctx::Ctx;
use super::random;
use crate::metric::exemplar::SampledSpan;

/// The id of a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// The id of a span: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// Where in which trace something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// Whether the trace is recorded.
    pub sampled: bool,
    /// Whether the trace's id is known to be random: the second bit of the flags.
    pub(super) random: bool,
}

impl TraceId {
    /// Makes a random id.
    #[must_use]
    pub fn random() -> Self {
        loop {
            let id = (u128::from(random::next_u64()) << 64) | u128::from(random::next_u64());
            if id != 0 {
                return Self(id);
            }
        }
    }

    /// Returns the id as a number.
    #[must_use]
    pub const fn to_u128(self) -> u128 {
        self.0
    }

    #[cfg(feature = "otlp")]
    pub(crate) const fn from_u128(id: u128) -> Self {
        Self(id)
    }
}

impl SpanId {
    /// Makes a random id.
    #[must_use]
    pub fn random() -> Self {
        loop {
            let id = random::next_u64();
            if id != 0 {
                return Self(id);
            }
        }
    }

    /// Returns the id as a number.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    #[cfg(feature = "otlp")]
    pub(crate) const fn from_u64(id: u64) -> Self {
        Self(id)
    }
}

impl TraceContext {
    /// Begins a trace.
    #[must_use]
    pub fn root(sampled: bool) -> Self {
        Self {
            trace_id: TraceId::random(),
            span_id: SpanId::random(),
            sampled,
            random: true,
        }
    }

    /// Returns where the calling code is: the innermost span, where spans are exported, or else the
    /// current [`Ctx`]'s.
    #[must_use]
    pub fn current() -> Option<Self> {
        let ctx = Ctx::current().map(|ctx| ctx.innermost());
        #[cfg(feature = "otlp")]
        let ctx = ctx.or_else(crate::otlp::current);
        ctx
    }

    /// Begins a span below this one.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: SpanId::random(),
            ..self
        }
    }

    /// Returns what an exemplar says of this; `None` if nobody records the trace.
    pub(crate) fn sampled_span(self) -> Option<SampledSpan> {
        SampledSpan::new(self.trace_id.0, self.span_id.0).filter(|_| self.sampled)
    }

    /// Reads a `traceparent`, strictly in version 00 and by its known beginning in later ones.
    ///
    /// Source: W3C Trace Context, level 2.
    ///
    /// # Example
    /// ```
    /// use obs_runtime::TraceContext;
    ///
    /// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
    /// let context = TraceContext::parse(parent).unwrap();
    /// assert_eq!(context.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// assert!(context.sampled);
    /// assert!(TraceContext::parse("00-0-0-0").is_none());
    /// ```
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let separated = bytes.len() >= 55 && [2, 35, 52].iter().all(|at| bytes[*at] == b'-');
        if !separated {
            return None;
        }
        let version = hex(&bytes[..2])?;
        let length_fits = match version {
            0 => bytes.len() == 55,
            0xff => false,
            // A later version may say more, after a hyphen.
            _ => bytes.len() == 55 || bytes[55] == b'-',
        };
        let trace_id = hex(&bytes[3..35])?;
        let span_id = u64::try_from(hex(&bytes[36..52])?).ok()?;
        let flags = hex(&bytes[53..55])?;
        (length_fits && trace_id != 0 && span_id != 0).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id: SpanId(span_id),
            sampled: flags & 1 == 1,
            random: flags & 2 == 2,
        })
    }

    /// Writes the `traceparent` for a peer.
    #[must_use]
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, self.flags())
    }
}

impl TraceContext {
    pub(crate) const fn flags(self) -> u8 {
        self.sampled as u8 | (self.random as u8) << 1
    }

    #[cfg(feature = "otlp")]
    pub(crate) const fn from_parts(trace_id: TraceId, span_id: SpanId, flags: u8) -> Self {
        Self {
            trace_id,
            span_id,
            sampled: flags & 1 == 1,
            random: flags & 2 == 2,
        }
    }
}

/// Lower-case hexadecimal digits, as the recommendation asks for.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((number << 4) | u128::from(digit))
    })
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn c6_a_traceparent_is_read_by_the_rules_of_the_recommendation() {
        let rows = [
            (format!("00-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
            (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-ff"), Some(true)),
            (format!("01-{TRACE}-{SPAN}-01"), Some(true)),
            (format!("01-{TRACE}-{SPAN}-01-later"), Some(true)),
            (format!("01-{TRACE}-{SPAN}-01later"), None),
            (format!("00-{TRACE}-{SPAN}-01-later"), None),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("00-{}-{SPAN}-01", "0".repeat(32)), None),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-{SPAN}-1"), None),
            (format!("00-{TRACE}-{SPAN}"), None),
            (format!("00_{TRACE}_{SPAN}_01"), None),
            (format!("0x-{TRACE}-{SPAN}-01"), None),
            (format!(" 00-{TRACE}-{SPAN}-01"), None),
            (format!("00-{TRACE}-{SPAN}-01 "), None),
            (String::new(), None),
            ("é".repeat(40), None),
        ];
        for (text, expected) in rows {
            let read = TraceContext::parse(&text);
            assert_eq!(read.map(|context| context.sampled), expected, "{text}");
            if let Some(context) = read {
                assert_eq!(context.trace_id.to_string(), TRACE);
                assert_eq!(context.span_id.to_string(), SPAN);
            }
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        for sampled in [true, false] {
            let context = TraceContext::root(sampled);
            assert_eq!(TraceContext::parse(&context.traceparent()), Some(context));
        }
    }
}
