//! Exemplars: for each bucket of a histogram the last observation made in a sampled trace.
//!
//! "The last wins" is one of the two rules that the OpenTelemetry specification allows for a
//! reservoir aligned with a histogram's buckets ("MAY instead keep the last seen measurement that
//! falls within a histogram bucket"), and what Prometheus' own Go client does. It needs no random
//! number and no state of the last scrape, and whoever follows an exemplar finds a trace that is
//! young enough to be still there.

use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::block::LOCAL;

/// An observation of a histogram, and the trace in which it was made.
///
/// On a page of `OpenMetrics` it stands behind the line of its bucket, with the labels `trace_id`
/// and `span_id`; the older text format has no place for it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// The id of the trace: 32 hexadecimal digits in text.
    pub trace_id: u128,
    /// The id of the operation's span: 16 hexadecimal digits in text.
    pub span_id: u64,
    /// What was observed, in the histogram's unit.
    pub value: f64,
    /// When, as the time since the Unix epoch.
    pub timestamp: Duration,
}

/// The operation whose span belongs to a sampled trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SampledSpan {
    trace_id: u128,
    /// Never zero by the W3C recommendation: so a thread without such an operation is told by
    /// looking at one word.
    span_id: NonZeroU64,
}

impl SampledSpan {
    /// Returns `None` for the id of no span.
    #[cfg(feature = "http")]
    pub(crate) fn new(trace_id: u128, span_id: u64) -> Option<Self> {
        let span_id = NonZeroU64::new(span_id)?;
        Some(Self { trace_id, span_id })
    }
}

/// Says which sampled operation this thread works for from now on, if it does for one.
#[cfg(feature = "http")]
pub(crate) fn set_current(span: Option<SampledSpan>) {
    LOCAL.with(|local| local.sampled.set(span));
}

/// The words of a slot: its version, the trace's id in two, the span's, the value, the time.
const WORDS: usize = 6;

/// How often a reader looks again at a slot that changed while it was read.
const ATTEMPTS: usize = 4;

/// A slot for each cell of a range, made when the first exemplar comes.
///
/// A slot is a sequence lock: its version is odd while somebody writes. A writer that finds it odd
/// leaves its observation out, so that no request ever waits. The pages of memory that no exemplar
/// touched are never taken.
pub(crate) struct Exemplars(OnceLock<Box<[AtomicU64]>>);

impl Exemplars {
    pub(crate) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Keeps the observation for its cell, of `cells`, in place of the one before.
    pub(crate) fn keep(&self, span: SampledSpan, cells: usize, cell: usize, value: f64) {
        // What a test's capture records is in no bucket of the process.
        if LOCAL.with(|local| local.captured.get()) {
            return;
        }
        let slots = self
            .0
            .get_or_init(|| bytemuck::zeroed_slice_box(cells.saturating_mul(WORDS)));
        let Some(slot) = slots.as_chunks::<WORDS>().0.get(cell) else {
            return;
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        write(
            slot,
            &Exemplar {
                trace_id: span.trace_id,
                span_id: span.span_id.get(),
                value,
                timestamp: now.unwrap_or_default(),
            },
        );
    }

    /// Returns the exemplars of some cells; nothing at all if none of them has one.
    pub(crate) fn read(&self, cells: Range<usize>) -> Vec<Option<Exemplar>> {
        let slots = self.0.get().map_or(&[][..], |slots| slots.as_chunks().0);
        let slots = slots.get(cells).unwrap_or_default();
        if slots
            .iter()
            .all(|slot| version(slot, Ordering::Relaxed) == 0)
        {
            return Vec::new();
        }
        slots.iter().map(read).collect()
    }
}

fn version(slot: &[AtomicU64; WORDS], ordering: Ordering) -> u64 {
    let [version, ..] = slot;
    version.load(ordering)
}

fn write(slot: &[AtomicU64; WORDS], exemplar: &Exemplar) {
    let [version, high, low, span, value, time] = slot;
    let even = version.load(Ordering::Relaxed);
    let taken = even.is_multiple_of(2)
        && version
            .compare_exchange(
                even,
                even.wrapping_add(1),
                Ordering::Acquire,
                Ordering::Relaxed,
            )
            .is_ok();
    if !taken {
        return;
    }
    // A reader that sees one of the new words sees the odd version as well.
    fence(Ordering::Release);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of an id")]
    {
        high.store((exemplar.trace_id >> 64) as u64, Ordering::Relaxed);
        low.store(exemplar.trace_id as u64, Ordering::Relaxed);
    }
    span.store(exemplar.span_id, Ordering::Relaxed);
    value.store(exemplar.value.to_bits(), Ordering::Relaxed);
    let nanos = u64::try_from(exemplar.timestamp.as_nanos()).unwrap_or(u64::MAX);
    time.store(nanos, Ordering::Relaxed);
    version.store(even.wrapping_add(2), Ordering::Release);
}

/// Returns `None` for a slot that was never written, and for one that writers give no rest.
fn read(slot: &[AtomicU64; WORDS]) -> Option<Exemplar> {
    let [_, high, low, span, value, time] = slot;
    for _ in 0..ATTEMPTS {
        let before = version(slot, Ordering::Acquire);
        if before == 0 {
            return None;
        }
        let (high, low) = (high.load(Ordering::Relaxed), low.load(Ordering::Relaxed));
        let exemplar = Exemplar {
            trace_id: (u128::from(high) << 64) | u128::from(low),
            span_id: span.load(Ordering::Relaxed),
            value: f64::from_bits(value.load(Ordering::Relaxed)),
            timestamp: Duration::from_nanos(time.load(Ordering::Relaxed)),
        };
        // The words are read before the version is looked at again.
        fence(Ordering::Acquire);
        if before.is_multiple_of(2) && version(slot, Ordering::Relaxed) == before {
            return Some(exemplar);
        }
        std::hint::spin_loop();
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Exemplar, Exemplars, SampledSpan, WORDS, read, write};
    use std::num::NonZeroU64;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    /// An exemplar of so many seconds, taken so many seconds after the epoch.
    pub(crate) fn exemplar(value: f64, seconds: u64) -> Exemplar {
        Exemplar {
            value,
            timestamp: Duration::from_secs(seconds),
            ..alike(1)
        }
    }

    fn span(id: u64) -> SampledSpan {
        SampledSpan {
            trace_id: u128::from(id) << 64 | u128::from(id),
            span_id: NonZeroU64::new(id).unwrap(),
        }
    }

    fn alike(n: u64) -> Exemplar {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        Exemplar {
            trace_id: u128::from(n) << 64 | u128::from(n),
            span_id: n,
            value: n as f64,
            timestamp: Duration::from_nanos(n),
        }
    }

    #[test]
    fn the_last_observation_of_a_bucket_is_kept_and_the_others_have_none() {
        let exemplars = Exemplars::new();
        assert_eq!(exemplars.read(0..3), []);
        exemplars.keep(span(1), 3, 1, 0.25);
        exemplars.keep(span(2), 3, 1, 0.5);
        let read = exemplars.read(0..3);
        let [None, Some(last), None] = read[..] else {
            panic!("{read:?}")
        };
        assert_eq!((last.trace_id, last.span_id), (2 << 64 | 2, 2));
        assert_eq!(last.value.to_bits(), 0.5_f64.to_bits());
        assert!(last.timestamp > Duration::from_secs(1_700_000_000));
        // A bucket that is not there is no panic.
        exemplars.keep(span(3), 3, 9, 1.0);
        assert_eq!(exemplars.read(2..9), []);
    }

    #[test]
    fn a_reader_never_sees_the_words_of_two_writers() {
        let slot: [AtomicU64; WORDS] = std::array::from_fn(|_| AtomicU64::new(0));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    scope.spawn(|| {
                        while !done.load(Ordering::Relaxed) {
                            if let Some(exemplar) = read(&slot) {
                                assert_eq!(exemplar, alike(exemplar.span_id));
                            }
                        }
                    })
                })
                .collect();
            let writers: Vec<_> = (0..3)
                .map(|writer| {
                    let slot = &slot;
                    scope.spawn(move || {
                        for n in 1..30_000 {
                            write(slot, &alike(n * 3 + writer));
                        }
                    })
                })
                .collect();
            for writer in writers {
                writer.join().unwrap();
            }
            // The slot is at rest now: who starts to read only here sees it as well.
            assert!(read(&slot).is_some());
            done.store(true, Ordering::Relaxed);
            for reader in readers {
                reader.join().unwrap();
            }
        });
    }

    #[test]
    fn a_slot_that_is_being_written_is_left_out_and_not_waited_for() {
        let slot: [AtomicU64; WORDS] = std::array::from_fn(|_| AtomicU64::new(0));
        write(&slot, &alike(7));
        slot[0].store(3, Ordering::Relaxed);
        write(&slot, &alike(8));
        assert_eq!(read(&slot), None);
        slot[0].store(4, Ordering::Relaxed);
        assert_eq!(read(&slot), Some(alike(7)));
    }
}
