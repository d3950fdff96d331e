//! The numbers of the last minutes: what each series has grown by, second after second.
//!
//! Most series do not change from one second to the next, so only changes are kept. They are bounded
//! in number: a service in which very much changes shows less of its past, and never takes more memory.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use obs::Kind;
use obs::catalog::{Family, Sample, Value};

/// How much of the past is shown.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// Changes that are kept, of 16 bytes each.
const MAX_CHANGES: usize = 128 * 1024;

/// Numbers that are followed: one for each series, and for a histogram one for each bucket and two more.
const MAX_CELLS: usize = 32 * 1024;

/// A service that was looked at so soon had not done anything before that matters.
const FROM_THE_START: Duration = Duration::from_secs(15);

/// What changed between two looks.
#[derive(Debug)]
struct Tick {
    /// Since the start of the process.
    at: Duration,
    /// When the first of the looks that it holds was.
    begun: Duration,
    changes: Box<[(u32, f64)]>,
}

/// Looks that follow so soon are kept as one: however many people watch, the past takes no more room.
const ONE_LOOK: Duration = Duration::from_millis(500);

/// The past and the present of every series.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    /// Where the numbers of a series begin.
    cells: HashMap<String, usize>,
    now: Vec<f64>,
    ticks: VecDeque<Tick>,
    changes: usize,
    /// Since when changes are known; before the first look nothing is.
    since: Option<Duration>,
    at: Duration,
    families: Vec<Family>,
    unfollowed: usize,
}

/// A stretch of the past.
#[derive(Debug)]
pub(crate) struct Span {
    /// What each number has grown by.
    pub(crate) grown: Vec<f64>,
    pub(crate) length: Duration,
}

impl Samples {
    /// Looks at the numbers of now.
    pub(crate) fn look(&mut self, at: Duration, families: Vec<Family>) {
        let is_first = self.since.is_none();
        // What there is at the first look has come at some time before, unless that was just now.
        let counts = !is_first || at < FROM_THE_START;
        let mut changes = Vec::new();
        self.unfollowed = 0;
        for family in &families {
            for sample in &family.samples {
                self.follow(family, sample, counts, &mut changes);
            }
        }
        self.since
            .get_or_insert(if counts { Duration::ZERO } else { at });
        self.families = families;
        self.at = at;
        self.keep(at, changes);
        self.forget();
    }

    fn keep(&mut self, at: Duration, mut changes: Vec<(u32, f64)>) {
        let is_soon = |last: &Tick| at.saturating_sub(last.begun) < ONE_LOOK;
        let mut begun = at;
        if self.ticks.back().is_some_and(is_soon)
            && let Some(last) = self.ticks.pop_back()
        {
            self.changes -= last.changes.len();
            begun = last.begun;
            changes.extend(last.changes);
            changes.sort_unstable_by_key(|(cell, _)| *cell);
            changes.dedup_by(|(cell, grown), (kept, sum)| {
                let is_same = cell == kept;
                if is_same {
                    *sum += *grown;
                }
                is_same
            });
        }
        self.changes += changes.len();
        self.ticks.push_back(Tick {
            at,
            begun,
            changes: changes.into_boxed_slice(),
        });
    }

    fn follow(
        &mut self,
        family: &Family,
        sample: &Sample,
        counts: bool,
        changes: &mut Vec<(u32, f64)>,
    ) {
        let numbers = numbers(&sample.value);
        let key = key(family, sample);
        let first = if let Some(first) = self.cells.get(&key) {
            *first
        } else if self.now.len() + numbers.len() > MAX_CELLS {
            self.unfollowed += 1;
            return;
        } else {
            let first = self.now.len();
            self.now.resize(first + numbers.len(), 0.0);
            self.cells.insert(key, first);
            first
        };
        let only_grows = matches!(family.kind, Kind::Counter | Kind::Histogram | Kind::Summary);
        for (at, number) in numbers.into_iter().enumerate() {
            let Some(before) = self.now.get_mut(first + at) else {
                continue;
            };
            // A counter that is smaller than before began anew.
            let grown = if only_grows && number < *before {
                number
            } else {
                number - *before
            };
            // From one number to the next: what is none in between has changed nothing.
            if !number.is_finite() {
                continue;
            }
            *before = number;
            if counts && grown != 0.0 && grown.is_finite() {
                changes.push((u32::try_from(first + at).unwrap_or(u32::MAX), grown));
            }
        }
    }

    /// Forgets what is too old or too much.
    fn forget(&mut self) {
        while let Some(oldest) = self.ticks.front() {
            let age = self.at.saturating_sub(oldest.at);
            if age <= WINDOW && self.changes <= MAX_CHANGES {
                break;
            }
            self.changes -= oldest.changes.len();
            self.since = Some(oldest.at);
            self.ticks.pop_front();
        }
    }

    /// Returns the families of the last look.
    pub(crate) fn families(&self) -> &[Family] {
        &self.families
    }

    /// Returns where the numbers of a series are.
    pub(crate) fn first(&self, family: &Family, sample: &Sample) -> Option<usize> {
        self.cells.get(&key(family, sample)).copied()
    }

    /// Returns the age of the process at the last look.
    pub(crate) const fn at(&self) -> Duration {
        self.at
    }

    /// Returns for how long changes are known.
    pub(crate) fn known(&self) -> Duration {
        self.at.saturating_sub(self.since.unwrap_or(self.at))
    }

    /// Returns how many series are too many to be followed.
    pub(crate) const fn unfollowed(&self) -> usize {
        self.unfollowed
    }

    pub(crate) fn bytes(&self) -> usize {
        let keys: usize = self.cells.keys().map(|key| key.capacity() + 48).sum();
        self.changes * size_of::<(u32, f64)>()
            + self.ticks.len() * size_of::<Tick>()
            + self.now.len() * size_of::<f64>()
            + keys
    }

    /// Returns how much everything has grown within a time, or since the start of the process.
    pub(crate) fn grown(&self, within: Option<Duration>) -> Span {
        let Some(within) = within else {
            return Span {
                grown: self.now.clone(),
                length: self.at,
            };
        };
        let mut grown = vec![0.0; self.now.len()];
        let from = self.at.saturating_sub(within);
        let since = self.since.unwrap_or(self.at).max(from);
        for tick in self.ticks.iter().rev().take_while(|tick| tick.at > since) {
            for (cell, change) in &*tick.changes {
                if let Some(grown) = grown.get_mut(*cell as usize) {
                    *grown += change;
                }
            }
        }
        Span {
            grown,
            length: self.at.saturating_sub(since),
        }
    }

    /// Returns how much each group of numbers has grown in each of `bins` parts of a time, the oldest
    /// first. `group` says to which group a number belongs, if to any.
    pub(crate) fn bins(
        &self,
        within: Duration,
        bins: usize,
        groups: usize,
        group: impl Fn(usize) -> Option<usize>,
    ) -> Vec<Vec<f64>> {
        let mut all = vec![vec![0.0; bins]; groups];
        let width = within.as_secs_f64() / float(bins.max(1));
        let place = |at: Duration| (at.as_secs_f64() / width).floor();
        let last = place(self.at);
        // There may be far more changes than numbers.
        let group: Vec<Option<usize>> = (0..self.now.len()).map(group).collect();
        let group_of = |cell: u32| group.get(cell as usize).copied().flatten();
        for tick in self.ticks.iter().rev() {
            let back = last - place(tick.at);
            if back >= float(bins) {
                break;
            }
            let bin = bins - 1 - whole(back);
            for (cell, change) in &*tick.changes {
                if let Some(bins) = group_of(*cell).and_then(|at| all.get_mut(at))
                    && let Some(grown) = bins.get_mut(bin)
                {
                    *grown += change;
                }
            }
        }
        all
    }

    /// Returns how many seconds each bin of [`bins`](Self::bins) has lasted: the last one goes on.
    pub(crate) fn lengths(&self, within: Duration, bins: usize) -> Vec<f64> {
        let width = within.as_secs_f64() / float(bins.max(1));
        let in_last = (self.at.as_secs_f64() % width).max(width.min(1.0));
        let mut lengths = vec![width; bins];
        if let Some(last) = lengths.last_mut() {
            *last = in_last;
        }
        lengths
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and below the number of bins"
)]
const fn whole(number: f64) -> usize {
    number as usize
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are a hundred bins at most"
)]
const fn float(bins: usize) -> f64 {
    bins as f64
}

/// Returns the numbers of a value; of a histogram those of its buckets, then its sum.
#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Unsigned(count) => vec![*count as f64],
        Value::Signed(number) => vec![*number as f64],
        Value::Float(number) => vec![*number],
        Value::Histogram(histogram) => {
            let counts = histogram.counts.iter().map(|count| *count as f64);
            counts.chain([histogram.sum]).collect()
        }
        Value::Summary(summary) => vec![summary.count as f64, summary.sum],
        _ => Vec::new(),
    }
}

fn key(family: &Family, sample: &Sample) -> String {
    let mut key = family.name.to_string();
    for (name, value) in &sample.labels {
        // A separator that no name has, and lengths that no value can imitate.
        // Writing to a string cannot fail.
        let _ = write!(key, "\u{1f}{name}={}:{value}", value.len());
    }
    // Another number of buckets is another series.
    if let Value::Histogram(histogram) = &sample.value {
        let _ = write!(key, "\u{1f}{}", histogram.counts.len());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::{FROM_THE_START, MAX_CHANGES, Samples, WINDOW};
    use std::borrow::Cow;
    use std::time::Duration;

    use obs::Kind;
    use obs::catalog::{Family, FamilyDescriptor, HistogramValue, Sample, Value};

    fn family(name: &'static str, kind: Kind, values: Vec<Value>) -> Family {
        let mut family = Family::new(FamilyDescriptor {
            name: Cow::Borrowed(name),
            kind,
            unit: None,
            help: Cow::Borrowed(""),
        });
        for (n, value) in values.into_iter().enumerate() {
            let label = (Cow::Borrowed("n"), Cow::Owned(n.to_string()));
            family.samples.push(Sample::new(vec![label], value));
        }
        family
    }

    fn counter(values: &[u64]) -> Vec<Family> {
        let values = values.iter().map(|value| Value::Unsigned(*value)).collect();
        vec![family("jobs_total", Kind::Counter, values)]
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_service_that_was_watched_from_its_start_has_all_of_its_numbers() {
        let mut samples = Samples::default();
        samples.look(seconds(1), counter(&[3]));
        samples.look(seconds(2), counter(&[5]));
        assert_eq!(samples.grown(Some(WINDOW)).grown, [5.0]);
        assert_eq!(samples.grown(None).grown, [5.0]);
        assert_eq!(samples.grown(Some(WINDOW)).length, seconds(2));
        assert_eq!(samples.grown(Some(seconds(1))).grown, [2.0]);
    }

    #[test]
    fn what_an_old_service_did_before_the_first_look_is_in_no_window() {
        let mut samples = Samples::default();
        samples.look(FROM_THE_START + seconds(100), counter(&[1000]));
        samples.look(FROM_THE_START + seconds(101), counter(&[1002, 7]));
        let span = samples.grown(Some(WINDOW));
        assert_eq!(span.grown, [2.0, 7.0], "a series that is new began at zero");
        assert_eq!(span.length, seconds(1));
        assert_eq!(samples.grown(None).grown, [1002.0, 7.0]);
    }

    #[test]
    fn a_counter_that_began_anew_has_grown_by_what_it_is_and_a_gauge_may_fall() {
        let gauge = |value| family("queue", Kind::Gauge, vec![Value::Signed(value)]);
        let mut samples = Samples::default();
        for (at, (jobs, queue)) in [(5, 4), (9, 8), (2, 1)].into_iter().enumerate() {
            let mut families = counter(&[jobs]);
            families.push(gauge(queue));
            samples.look(seconds(at as u64 + 1), families);
        }
        assert_eq!(samples.grown(Some(WINDOW)).grown, [11.0, 1.0]);
        assert_eq!(samples.grown(None).grown, [2.0, 1.0]);
    }

    #[test]
    fn of_a_histogram_every_bucket_is_followed() {
        let histogram = |counts: &[u64], sum| {
            vec![family(
                "wait_seconds",
                Kind::Histogram,
                vec![Value::Histogram(HistogramValue {
                    bounds: Cow::Borrowed(&[0.1, 1.0]),
                    counts: counts.to_vec(),
                    sum,
                })],
            )]
        };
        let mut samples = Samples::default();
        samples.look(seconds(1), histogram(&[1, 0, 0], 0.05));
        samples.look(seconds(2), histogram(&[1, 2, 1], 4.05));
        assert_eq!(samples.grown(Some(seconds(1))).grown, [0.0, 2.0, 1.0, 4.0]);
    }

    #[test]
    fn however_often_somebody_looks_the_past_takes_no_more_room() {
        let mut samples = Samples::default();
        for at in 1..=100_000 {
            samples.look(Duration::from_millis(at), counter(&[at, 2 * at, 7]));
        }
        assert!(samples.ticks.len() <= 201, "{}", samples.ticks.len());
        assert!(samples.changes <= 2 * 201 + 1, "{}", samples.changes);
        let span = samples.grown(Some(WINDOW));
        assert_eq!(span.grown, [100_000.0, 200_000.0, 7.0]);
        let bins = samples.bins(seconds(10), 10, 1, |cell| (cell == 0).then_some(0));
        let around = bins[0][1..9]
            .iter()
            .all(|grown| (grown - 1_000.0).abs() <= 500.0);
        assert!(around, "{bins:?}");
    }

    #[test]
    fn a_gauge_that_was_no_number_for_a_while_has_changed_from_what_it_was_before() {
        let mut samples = Samples::default();
        for (at, value) in [3.0, f64::NAN, f64::INFINITY, 5.0].into_iter().enumerate() {
            let gauge = family("load", Kind::Gauge, vec![Value::Float(value)]);
            samples.look(seconds(at as u64 + 1), vec![gauge]);
        }
        assert_eq!(samples.grown(Some(seconds(1))).grown, [2.0]);
        assert_eq!(samples.grown(None).grown, [5.0]);
    }

    #[test]
    fn bins_hold_what_came_in_their_part_of_the_time() {
        let mut samples = Samples::default();
        for at in 1..=10 {
            samples.look(seconds(at), counter(&[at * 10]));
        }
        let bins = samples.bins(seconds(4), 4, 1, |_| Some(0));
        assert_eq!(bins, [[10.0; 4]]);
        let bins = samples.bins(seconds(20), 4, 1, |_| Some(0));
        assert_eq!(bins, [[0.0, 40.0, 50.0, 10.0]]);
        assert_eq!(samples.lengths(seconds(20), 4), [5.0, 5.0, 5.0, 1.0]);
        assert_eq!(samples.bins(seconds(4), 4, 1, |_| None), [[0.0; 4]]);
    }

    #[test]
    fn the_past_is_bounded_in_time_and_in_changes() {
        let mut samples = Samples::default();
        for at in 1..=1000 {
            samples.look(seconds(at), counter(&[at]));
        }
        assert!(samples.ticks.len() <= 301, "{}", samples.ticks.len());
        assert_eq!(samples.grown(Some(WINDOW)).grown, [300.0]);
        let mut samples = Samples::default();
        for at in 1..=100 {
            samples.look(seconds(at), counter(&vec![at; 10_000]));
        }
        assert!(samples.changes <= MAX_CHANGES, "{}", samples.changes);
        let span = samples.grown(Some(WINDOW));
        assert_eq!(span.length, seconds(13), "it says how much is left");
        assert!(span.grown.iter().all(|grown| (*grown - 13.0).abs() < 0.1));
        let mut samples = Samples::default();
        samples.look(seconds(1), counter(&vec![1; 40_000]));
        assert_eq!(samples.unfollowed(), 40_000 - super::MAX_CELLS);
    }
}
