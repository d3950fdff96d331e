//! Cells of its own for the code that a capture runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crate::catalog::{self, Family, Sample, Value};
use crate::metric::Totals;
use crate::metric::block::{self, Block, LOCAL};

/// Starts a capture: run code in it, then ask what the code recorded.
#[must_use]
pub fn capture() -> Capture {
    Capture {
        blocks: Arc::default(),
    }
}

/// What the code run in it recorded, and nothing else.
///
/// Gauges start at zero in a capture. A task that the code spawns is outside of it, unless its
/// future is wrapped with [`run`](Self::run) of a clone as well.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    blocks: Arc<Blocks>,
}

/// The blocks of a capture: what runs at one time has a block each, because a block has one writer.
#[derive(Debug, Default)]
struct Blocks(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    all: Vec<Block>,
    /// Those of `all` that nobody writes any more; used again, so that a capture in a loop does
    /// not take a block for each round.
    idle: Vec<Block>,
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let taken = std::mem::take(self.0.get_mut().unwrap_or_else(PoisonError::into_inner));
        let mut all = block::lock();
        for block in taken.all {
            all.discard(block);
        }
    }
}

impl Capture {
    /// Runs a future in the capture and returns its output.
    ///
    /// # Cancel safety
    /// Dropping the future keeps what it recorded until then, and what its drop records.
    pub fn run<F: Future>(&self, future: F) -> Captured<F> {
        Captured {
            lent: self.lend(),
            future: Some(Box::pin(future)),
        }
    }

    /// Runs a closure in the capture and returns its result.
    pub fn run_sync<R>(&self, body: impl FnOnce() -> R) -> R {
        let lent = self.lend();
        let _entered = enter(lent.block);
        body()
    }

    /// Returns the families with what was recorded in this capture alone.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        catalog::gather_from(&Totals::of_capture(self.blocks()))
    }

    /// The blocks that hold what was recorded.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let taken = self.blocks.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all.clone()
    }

    /// Returns what a metric recorded, summed over the combinations that have these labels.
    ///
    /// Counters and gauges give their value. A histogram is asked for by `name_count` or
    /// `name_sum`.
    ///
    /// # Panics
    /// If no series has that name and these labels: a misspelt name must not pass as zero.
    #[must_use]
    #[track_caller]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        value_in(&self.families(), name, labels)
    }

    /// Asserts that exactly these series changed, and by exactly these amounts.
    ///
    /// A series is written as in a scrape, its labels in their order of declaration:
    /// `name{label="value"}`. Histograms count as `name_count{..}`; their sums and buckets are
    /// left out, because time is in them.
    ///
    /// # Panics
    /// If anything else changed, or by another amount; the message shows both lists.
    #[track_caller]
    pub fn assert_changed(&self, expected: &[(&str, f64)]) {
        let mut changed: Vec<(String, f64)> = self
            .families()
            .iter()
            .flat_map(|family| {
                family
                    .samples
                    .iter()
                    .map(move |sample| series(family, sample))
            })
            .filter(|(_, value)| *value != 0.0)
            .collect();
        let mut expected: Vec<(String, f64)> = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), *value))
            .collect();
        changed.sort_by(|a, b| a.0.cmp(&b.0));
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(
            changed, expected,
            "changed series (left) against expected ones (right)"
        );
    }

    /// Swaps a block of the capture in until the result is dropped.
    #[cfg(feature = "http")]
    pub(super) fn enter(&self) -> (Entered, Lent) {
        let lent = self.lend();
        (enter(lent.block), lent)
    }

    fn lend(&self) -> Lent {
        let mut taken = self.blocks.0.lock().unwrap_or_else(PoisonError::into_inner);
        let block = taken.idle.pop().unwrap_or_else(|| {
            let block = block::lock().take();
            taken.all.push(block);
            block
        });
        Lent {
            block,
            blocks: Arc::clone(&self.blocks),
        }
    }
}

/// A block with one writer at a time: idle again when this is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    block: Block,
    blocks: Arc<Blocks>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut taken = self.blocks.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.idle.push(self.block);
    }
}

/// Sums the series of this name that have these labels.
#[track_caller]
pub(super) fn value_in(families: &[Family], name: &str, labels: &[(&str, &str)]) -> f64 {
    let found: Vec<f64> = families
        .iter()
        .flat_map(|family| family.samples.iter().map(move |sample| (family, sample)))
        .filter(|(_, sample)| has_labels(sample, labels))
        .filter_map(|(family, sample)| number(family, sample, name))
        .collect();
    assert!(
        !found.is_empty(),
        "no series `{name}` with the labels {labels:?} is declared in this process"
    );
    found.iter().sum()
}

fn has_labels(sample: &Sample, labels: &[(&str, &str)]) -> bool {
    labels.iter().all(|(name, value)| {
        sample
            .labels
            .iter()
            .any(|(n, v)| n.as_ref() == *name && v.as_ref() == *value)
    })
}

#[expect(clippy::cast_precision_loss, reason = "a test's counts are small")]
fn number(family: &Family, sample: &Sample, name: &str) -> Option<f64> {
    let own = name == family.name;
    match &sample.value {
        Value::Unsigned(n) => own.then_some(*n as f64),
        Value::Signed(n) => own.then_some(*n as f64),
        Value::Float(n) => own.then_some(*n),
        Value::Info => own.then_some(1.0),
        Value::Histogram(histogram) => match name.strip_prefix(family.name.as_ref())? {
            "_count" => Some(histogram.count() as f64),
            "_sum" => Some(histogram.sum),
            _ => None,
        },
        Value::Summary(_) => None,
    }
}

/// A sample as `assert_changed` spells and counts it.
pub(super) fn series(family: &Family, sample: &Sample) -> (String, f64) {
    let histogram = matches!(sample.value, Value::Histogram(_));
    let name = format!("{}{}", family.name, if histogram { "_count" } else { "" });
    let value = match sample.value {
        Value::Info => 0.0,
        _ => number(family, sample, &name).unwrap_or(0.0),
    };
    if sample.labels.is_empty() {
        return (name, value);
    }
    let labels: Vec<String> = sample
        .labels
        .iter()
        .map(|(label, value)| format!("{label}=\"{value}\""))
        .collect();
    (format!("{name}{{{}}}", labels.join(",")), value)
}

/// Swaps a capture's block in until it is dropped, also by a panic.
pub(super) struct Entered {
    block: Block,
    captured: bool,
}

fn enter(block: Block) -> Entered {
    LOCAL.with(|local| Entered {
        block: local.block.replace(block),
        captured: local.captured.replace(true),
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        LOCAL.with(|local| {
            local.block.set(self.block);
            local.captured.set(self.captured);
        });
    }
}

/// The future of [`Capture::run`].
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Captured<F> {
    /// Boxed, so that it can be dropped inside the capture without unsafe code.
    future: Option<Pin<Box<F>>>,
    /// Keeps the capture's blocks alive until what the future's drop records is in them.
    lent: Lent,
}

impl<F: Future> Future for Captured<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = enter(self.lent.block);
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Captured<F> {
    fn drop(&mut self) {
        let _entered = enter(self.lent.block);
        self.future = None;
    }
}

#[cfg(test)]
mod tests {
    use super::capture;
    use crate::metric::Cells;

    #[test]
    fn a_capture_in_a_loop_takes_one_block_and_keeps_every_count() {
        let cells = Cells::leak(1);
        let capture = capture();
        for _ in 0..1_000 {
            capture.run_sync(|| cells.add(0, 1));
        }
        let blocks = capture.blocks();
        assert_eq!(blocks.len(), 1);
        assert_eq!(cells.sum(false, &blocks), [1_000]);
    }

    #[test]
    fn captures_that_overlap_have_a_block_each() {
        let cells = Cells::leak(1);
        let capture = capture();
        capture.run_sync(|| {
            cells.add(0, 1);
            capture.run_sync(|| cells.add(0, 1));
            cells.add(0, 1);
        });
        let blocks = capture.blocks();
        assert_eq!(blocks.len(), 2);
        assert_eq!(cells.sum(false, &blocks), [3]);
    }
}
