//! Which events are sent: the first of each kind, then an exact share.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::sentry::protocol::{Event, Value};

use super::DECIDED;
use super::kind::KindOfEvent;

/// How long a kind is known.
const WINDOW: Duration = Duration::from_secs(60 * 60);

/// Kinds that are known at a time.
const MAX_KINDS: usize = 4_096;

/// Kinds that differ in the numbers of their message alone.
const MAX_VARIANTS: u32 = 128;

/// How often room is looked for when there is none.
const SWEEP: Duration = Duration::from_secs(60);

/// What is to be done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Sent, as the first of this kind.
    First(u64),
    /// Sent, as one of the share.
    Share,
    Out,
}

impl Decision {
    /// Notes on the event that it was decided about.
    pub(super) fn mark(self, event: &mut Event<'_>) {
        let value = match self {
            // As a text: JSON numbers end at 2^53.
            Self::First(kind) => Value::from(kind.to_string()),
            Self::Share | Self::Out => Value::Null,
        };
        event.extra.insert(DECIDED.to_owned(), value);
    }
}

/// Decides about the events of one client.
#[derive(Debug)]
pub(super) struct Sampler {
    rate: f64,
    hasher: RandomState,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    kinds: HashMap<u64, SeenKind>,
    /// Kinds of each template.
    variants: HashMap<u64, Seen>,
    /// Events without room for their kind.
    rest: u64,
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    since: Instant,
    count: u64,
}

#[derive(Debug)]
struct SeenKind {
    seen: Seen,
    template: u64,
}

impl Seen {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }
}

impl Sampler {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate: rate.clamp(0.0, 1.0),
            hasher: RandomState::new(),
            known: Mutex::default(),
        }
    }

    pub(super) fn decide(&self, kind: &KindOfEvent, now: Instant) -> Decision {
        let exact = kind.exact(self.hasher.build_hasher());
        let template = kind.template(self.hasher.build_hasher());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(key) = known.key(exact, template, now) else {
            known.rest += 1;
            return self.share(known.rest - 1);
        };
        let known = known.kinds.entry(key).or_insert(SeenKind {
            seen: Seen {
                since: now,
                count: 0,
            },
            template,
        });
        let seen = &mut known.seen;
        if seen.is_over(now) {
            *seen = Seen {
                since: now,
                count: 0,
            };
        }
        seen.count += 1;
        match seen.count {
            1 => Decision::First(key),
            count => self.share(count - 1),
        }
    }

    /// The first of this kind did not arrive: the next is to be the first.
    pub(super) fn forget(&self, kind: u64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(forgotten) = known.kinds.remove(&kind) else {
            return;
        };
        // It no longer counts among those of its template either: while a server is away, every
        // first is forgotten, and nothing may pile up.
        if let Entry::Occupied(mut variants) = known.variants.entry(forgotten.template) {
            let left = variants.get().count.saturating_sub(1);
            variants.get_mut().count = left;
            if left == 0 {
                variants.remove();
            }
        }
    }

    /// How much is remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.kinds.len() + known.variants.len()
    }

    /// Whether the event after so many of its kind is in the share: of `n` events,
    /// `ceil(n * rate)` are.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 2^53 events of one kind in one hour"
    )]
    fn share(&self, before: u64) -> Decision {
        let sent = |count: u64| (count as f64 * self.rate).ceil();
        if sent(before + 1) > sent(before) {
            Decision::Share
        } else {
            Decision::Out
        }
    }
}

impl Known {
    /// Under which key an event is counted; `None` without room.
    fn key(&mut self, exact: u64, template: u64, now: Instant) -> Option<u64> {
        if self.kinds.contains_key(&exact) {
            return Some(exact);
        }
        let is_full = self.kinds.len() >= MAX_KINDS;
        if is_full && !self.kinds.contains_key(&template) && !self.sweep(now) {
            return None;
        }
        let variants = self.variants.entry(template).or_insert(Seen {
            since: now,
            count: 0,
        });
        if variants.is_over(now) {
            *variants = Seen {
                since: now,
                count: 0,
            };
        }
        if variants.count >= u64::from(MAX_VARIANTS) {
            // Of all that differ in their numbers alone.
            return Some(template);
        }
        if self.kinds.len() >= MAX_KINDS {
            return self.kinds.contains_key(&template).then_some(template);
        }
        variants.count += 1;
        Some(exact)
    }

    /// Drops what is over and returns whether there is room.
    fn sweep(&mut self, now: Instant) -> bool {
        let is_due = self
            .swept
            .is_none_or(|last| now.saturating_duration_since(last) >= SWEEP);
        if is_due {
            self.swept = Some(now);
            self.kinds.retain(|_, kind| !kind.seen.is_over(now));
            self.variants.retain(|_, seen| !seen.is_over(now));
        }
        self.kinds.len() < MAX_KINDS
    }
}

/// Whether a trace is in the share, by the 56 random bits of its id.
///
/// Source: OpenTelemetry, "Consistent Probability Sampling": sampled if the bits are at least
/// `(1 - rate) * 2^56`. Two services with the same rate decide the same, and one with a higher rate
/// has all the traces of one with a lower.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate has no 53 significant bits; the bits are masked and the threshold is clamped"
)]
pub(super) fn trace(id: u128, rate: f64) -> bool {
    const BITS: u64 = 1 << 56;
    let threshold = (1.0 - rate.clamp(0.0, 1.0)) * BITS as f64;
    (id as u64) & (BITS - 1) >= threshold as u64
}

#[cfg(test)]
mod tests {
    use super::{Decision, MAX_KINDS, MAX_VARIANTS, Sampler, WINDOW, trace};
    use crate::sentry::kind::KindOfEvent;
    use std::time::Instant;

    fn kind(message: &str) -> KindOfEvent {
        KindOfEvent {
            place: vec!["app".to_owned()],
            message: message.to_owned(),
        }
    }

    fn sent(sampler: &Sampler, messages: impl Iterator<Item = String>, now: Instant) -> usize {
        messages
            .filter(|message| sampler.decide(&kind(message), now) != Decision::Out)
            .count()
    }

    #[test]
    fn t5_of_n_equal_events_exactly_the_share_is_sent_and_always_the_first() {
        let now = Instant::now();
        for (rate, n, expected) in [
            (1.0, 10_000, 10_000),
            (0.05, 10_000, 500),
            (0.001, 10_000, 10),
            (0.05, 21, 2),
            (0.001, 1, 1),
            (0.0, 10_000, 1),
        ] {
            let sampler = Sampler::new(rate);
            assert!(matches!(
                sampler.decide(&kind("x"), now),
                Decision::First(_)
            ));
            let rest = sent(&sampler, (1..n).map(|_| "x".to_owned()), now);
            assert_eq!(1 + rest, expected, "{n} at {rate}");
        }
    }

    #[test]
    fn t5_no_kind_is_missing_also_if_only_numbers_differ() {
        let now = Instant::now();
        let sampler = Sampler::new(0.0);
        let numbered = sent(&sampler, (0..100).map(|i| format!("job {i} failed")), now);
        assert_eq!(numbered, 100);
    }

    #[test]
    fn messages_with_ever_new_numbers_become_one_kind() {
        let now = Instant::now();
        let sampler = Sampler::new(0.01);
        let n = 10_000;
        let total = sent(&sampler, (0..n).map(|i| format!("job {i} failed")), now);
        let variants = usize::try_from(MAX_VARIANTS).unwrap();
        // The variants, then one kind more: of its events one in a hundred.
        assert_eq!(total, variants + (n - variants).div_ceil(100));
    }

    #[test]
    fn the_table_is_bounded_and_what_finds_no_room_is_sampled_as_one() {
        let now = Instant::now();
        let sampler = Sampler::new(0.1);
        let words = |i: usize| {
            let letters = [i / 676, i / 26 % 26, i % 26];
            letters
                .map(|at| char::from(b'a' + u8::try_from(at % 26).unwrap()))
                .iter()
                .collect::<String>()
        };
        let n = 6_000;
        let total = sent(&sampler, (0..n).map(words), now);
        assert_eq!(total, MAX_KINDS + (n - MAX_KINDS).div_ceil(10));
        assert_eq!(sampler.known.lock().unwrap().kinds.len(), MAX_KINDS);
        // An hour later there is room for all of them again.
        let later = now + WINDOW;
        assert!(matches!(
            sampler.decide(&kind("something new"), later),
            Decision::First(_)
        ));
    }

    #[test]
    fn the_first_of_a_new_window_is_sent_again() {
        let now = Instant::now();
        let sampler = Sampler::new(0.0);
        assert!(matches!(
            sampler.decide(&kind("x"), now),
            Decision::First(_)
        ));
        assert_eq!(sampler.decide(&kind("x"), now), Decision::Out);
        let almost = now
            + WINDOW
                .checked_sub(std::time::Duration::from_nanos(1))
                .unwrap();
        assert_eq!(sampler.decide(&kind("x"), almost), Decision::Out);
        assert!(matches!(
            sampler.decide(&kind("x"), now + WINDOW),
            Decision::First(_)
        ));
    }

    #[test]
    fn a_first_that_did_not_arrive_is_followed_by_another() {
        let now = Instant::now();
        let sampler = Sampler::new(0.0);
        let Decision::First(key) = sampler.decide(&kind("x"), now) else {
            panic!("not the first");
        };
        sampler.forget(key);
        assert_eq!(sampler.decide(&kind("x"), now), Decision::First(key));
    }

    #[test]
    fn traces_are_sampled_alike_wherever_they_are_seen() {
        assert!(trace(0, 1.0));
        assert!(!trace(u128::MAX, 0.0));
        let ids =
            (0..10_000_u128).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let ids: Vec<u128> = ids.collect();
        let share = ids.iter().filter(|id| trace(**id, 0.05)).count();
        assert!((450..550).contains(&share), "{share}");
        assert!(ids.iter().all(|id| !trace(*id, 0.001) || trace(*id, 0.05)));
    }
}
