//! A range of cells: the storage of one metric.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::block::{self, Block, LOCAL};
use super::exemplar::Exemplars;
#[cfg(feature = "http")]
use super::exemplar::SampledSpan;
use super::histogram::nanos_to_seconds;

/// Which cells of a range hold the bits of an `f64` instead of an integer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Floats {
    /// None of them.
    None,
    /// All of them: a `counter<f64>` or `gauge<f64>`.
    All,
    /// The last one of every group of this size: a histogram whose sum is a float.
    Last(usize),
}

impl Floats {
    fn at(self, cell: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Last(stride) => cell % stride == stride - 1,
        }
    }
}

/// Where a range of cells was declared, for the errors of the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
}

/// A range of cells, counted exactly from any number of threads.
///
/// Recording writes the calling thread's own block without a lock prefix; where the thread has no
/// block it adds to the shared base cells. Reading sums both. Integer cells wrap.
pub struct Cells {
    base: &'static [AtomicU64],
    offset: AtomicU32,
    floats: Floats,
    exemplars: Exemplars,
    pub(crate) origin: Option<Origin>,
}

impl Cells {
    /// Makes a range of integer cells over its base cells.
    #[must_use]
    pub const fn new(base: &'static [AtomicU64]) -> Self {
        Self::with_floats(base, Floats::None)
    }

    /// Makes a range in which some cells hold an `f64`.
    #[must_use]
    pub(crate) const fn with_floats(base: &'static [AtomicU64], floats: Floats) -> Self {
        Self {
            base,
            offset: block::unassigned(),
            floats,
            exemplars: Exemplars::new(),
            origin: None,
        }
    }

    pub(crate) const fn declared_at(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Makes a range of integer cells at run time; it is never freed.
    #[must_use]
    pub fn leak(len: usize) -> &'static Self {
        let base = Box::leak(bytemuck::zeroed_slice_box::<AtomicU64>(len));
        Box::leak(Box::new(Self::new(base)))
    }

    /// Returns the number of cells.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.base.len()
    }

    /// Returns whether there are no cells at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.base.is_empty()
    }

    #[inline]
    pub(crate) const fn floats(&self) -> Floats {
        self.floats
    }

    pub(crate) fn offset(&self) -> &AtomicU32 {
        &self.offset
    }

    #[inline]
    fn at(&self, cell: usize) -> usize {
        debug_assert!(cell < self.base.len(), "a cell outside of its range");
        self.offset.load(Ordering::Relaxed) as usize + cell
    }

    /// Whether anybody has recorded into it since the process started, zeros included.
    pub(crate) fn was_recorded(&self) -> bool {
        let has_a_place = self.offset.load(Ordering::Relaxed) != block::UNASSIGNED;
        // What is recorded while a scrape is made goes to the base cells at once.
        let is_zero = |cell: &AtomicU64| cell.load(Ordering::Relaxed) == 0;
        has_a_place || !self.base.iter().all(is_zero)
    }

    /// Adds `n` to an integer cell.
    #[inline]
    pub fn add(&'static self, cell: usize, n: u64) {
        if !self.bump(cell, n) {
            self.add_slow(cell, n);
        }
    }

    /// Subtracts `n` from an integer cell; the total is then read as an `i64`.
    #[inline]
    pub fn sub(&'static self, cell: usize, n: u64) {
        self.add(cell, n.wrapping_neg());
    }

    /// Counts one duration: adds one to its bucket, and its nanoseconds to their sum.
    ///
    /// In a sampled trace it becomes the bucket's exemplar.
    #[inline]
    pub fn record(&'static self, bucket: usize, sum_cell: usize, nanos: u64) {
        self.count(bucket, sum_cell, nanos);
        if LOCAL.with(|local| local.sampled.get().is_some()) {
            self.keep_exemplar(bucket, nanos_to_seconds(nanos));
        }
    }

    /// As [`record`](Self::record), of another operation than the thread's current one.
    #[cfg(feature = "http")]
    pub(crate) fn record_of(
        &'static self,
        span: Option<SampledSpan>,
        bucket: usize,
        sum_cell: usize,
        nanos: u64,
    ) {
        self.count(bucket, sum_cell, nanos);
        if let Some(span) = span {
            let value = nanos_to_seconds(nanos);
            self.exemplars.keep(span, self.len(), bucket, value);
        }
    }

    /// Counts one observation whose sum is a float.
    #[inline]
    pub(crate) fn record_f64(&'static self, bucket: usize, sum_cell: usize, value: f64) {
        self.add(bucket, 1);
        self.add_f64(sum_cell, value);
        if LOCAL.with(|local| local.sampled.get().is_some()) {
            self.keep_exemplar(bucket, value);
        }
    }

    #[cold]
    #[inline(never)]
    fn keep_exemplar(&self, bucket: usize, value: f64) {
        if let Some(span) = LOCAL.with(|local| local.sampled.get()) {
            self.exemplars.keep(span, self.len(), bucket, value);
        }
    }

    pub(crate) const fn exemplars(&self) -> &Exemplars {
        &self.exemplars
    }

    /// Adds one to a bucket and `sum` to an integer sum: one look-up.
    #[inline]
    fn count(&'static self, bucket: usize, sum_cell: usize, sum: u64) {
        let (bucket_at, sum_at) = (self.at(bucket), self.at(sum_cell));
        let done = LOCAL.with(|local| {
            let block = local.block.get();
            let (Some(bucket), Some(total)) = (block.get(bucket_at), block.get(sum_at)) else {
                return false;
            };
            add_as_the_only_writer(bucket, 1);
            add_as_the_only_writer(total, sum);
            true
        });
        if !done {
            self.add_slow(bucket, 1);
            self.add(sum_cell, sum);
        }
    }

    /// Adds `n` to a float cell.
    #[inline]
    pub fn add_f64(&'static self, cell: usize, n: f64) {
        if !self.bump_f64(cell, n) {
            self.add_f64_slow(cell, n);
        }
    }

    #[inline]
    fn bump(&self, cell: usize, n: u64) -> bool {
        let at = self.at(cell);
        LOCAL.with(|local| match local.block.get().get(at) {
            Some(cell) => {
                add_as_the_only_writer(cell, n);
                true
            }
            None => false,
        })
    }

    #[inline]
    fn bump_f64(&self, cell: usize, n: f64) -> bool {
        let at = self.at(cell);
        LOCAL.with(|local| match local.block.get().get(at) {
            Some(cell) => {
                let sum = add_finite(f64::from_bits(cell.load(Ordering::Relaxed)), n);
                cell.store(sum.to_bits(), Ordering::Relaxed);
                true
            }
            None => false,
        })
    }

    #[cold]
    fn add_slow(&'static self, cell: usize, n: u64) {
        if !(block::prepare(self) && self.bump(cell, n)) {
            self.base[cell].fetch_add(n, Ordering::Relaxed);
        }
    }

    #[cold]
    fn add_f64_slow(&'static self, cell: usize, n: f64) {
        if !(block::prepare(self) && self.bump_f64(cell, n)) {
            add_f64_shared(&self.base[cell], n);
        }
    }

    /// Changes a gauge's cell, which all threads share because setting must win over adding.
    ///
    /// Inside a capture the capture's own cell is changed instead.
    #[inline]
    pub(crate) fn update(&'static self, cell: usize, change: impl Fn(u64) -> u64) {
        if self.offset.load(Ordering::Relaxed) == block::UNASSIGNED && !block::is_held() {
            block::lock().assign(self);
        }
        let at = self.at(cell);
        let captured = LOCAL.with(|local| {
            if !local.captured.get() {
                return false;
            }
            match local.block.get().get(at) {
                Some(cell) => {
                    cell.store(change(cell.load(Ordering::Relaxed)), Ordering::Relaxed);
                    true
                }
                None => false,
            }
        });
        if !captured {
            let mut current = self.base[cell].load(Ordering::Relaxed);
            while let Err(now) = self.base[cell].compare_exchange_weak(
                current,
                change(current),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                current = now;
            }
        }
    }

    /// Adds what `block` holds to the base cells and clears it there.
    pub(crate) fn fold(&self, block: Block) {
        for (i, (cell, base)) in self.within(block).iter().zip(self.base).enumerate() {
            let bits = cell.load(Ordering::Relaxed);
            if bits == 0 {
                continue;
            }
            if self.floats.at(i) {
                add_f64_shared(base, f64::from_bits(bits));
            } else {
                base.fetch_add(bits, Ordering::Relaxed);
            }
            cell.store(0, Ordering::Relaxed);
        }
    }

    /// Adds up this range over the base cells (if they count) and the blocks.
    pub(crate) fn sum(&self, with_base: bool, blocks: &[Block]) -> Vec<u64> {
        let mut totals: Vec<u64> = if with_base {
            self.base
                .iter()
                .map(|cell| cell.load(Ordering::Relaxed))
                .collect()
        } else {
            vec![0; self.base.len()]
        };
        for block in blocks {
            for (i, (total, cell)) in totals.iter_mut().zip(self.within(block)).enumerate() {
                let bits = cell.load(Ordering::Relaxed);
                if bits == 0 {
                    continue;
                }
                *total = if self.floats.at(i) {
                    add_finite(f64::from_bits(*total), f64::from_bits(bits)).to_bits()
                } else {
                    total.wrapping_add(bits)
                };
            }
        }
        totals
    }

    /// Returns this range's part of a block, empty where it has none.
    fn within(&self, block: Block) -> Block {
        let offset = self.offset.load(Ordering::Relaxed) as usize;
        block.get(offset..offset + self.base.len()).unwrap_or(&[])
    }
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cells")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Adds without a lock prefix: exact because a block has one writer, its thread.
#[inline]
fn add_as_the_only_writer(cell: &AtomicU64, n: u64) {
    cell.store(
        cell.load(Ordering::Relaxed).wrapping_add(n),
        Ordering::Relaxed,
    );
}

/// Adds floats without ever leaving the finite range: one infinite sum would stay for ever.
#[inline]
fn add_finite(sum: f64, n: f64) -> f64 {
    (sum + n).clamp(f64::MIN, f64::MAX)
}

fn add_f64_shared(cell: &AtomicU64, n: f64) {
    let mut current = cell.load(Ordering::Relaxed);
    loop {
        let sum = add_finite(f64::from_bits(current), n).to_bits();
        match cell.compare_exchange_weak(current, sum, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => current = now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, Floats};
    use crate::metric::Totals;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    #[test]
    fn nothing_is_lost_over_generations_of_threads_while_scrapes_go_on() {
        let cells = Cells::leak(2);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let now = Totals::now().of(cells)[0];
                    assert!(now >= last, "a counter went down from {last} to {now}");
                    last = now;
                }
            });
            for _ in 0..50 {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            for _ in 0..1_000 {
                                cells.record(0, 1, 3);
                            }
                        })
                    })
                    .collect();
                for thread in threads {
                    thread.join().unwrap();
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(Totals::now().of(cells), [400_000, 1_200_000]);
    }

    #[test]
    fn floats_survive_the_end_of_their_thread() {
        static BASE: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];
        static CELLS: Cells = Cells::with_floats(&BASE, Floats::Last(2));
        for _ in 0..3 {
            std::thread::spawn(|| {
                CELLS.add(0, 1);
                CELLS.add_f64(1, 0.25);
            })
            .join()
            .unwrap();
        }
        let totals = Totals::now().of(&CELLS);
        assert_eq!(totals[0], 3);
        assert_eq!(totals[1], 0.75_f64.to_bits());
    }

    #[test]
    fn cells_without_room_in_the_blocks_are_counted_in_shared_ones() {
        let huge = Cells::leak(1 << 20);
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..1_000 {
                        huge.add((1 << 20) - 1, 1);
                    }
                });
            }
        });
        assert_eq!(Totals::now().of(huge)[(1 << 20) - 1], 4_000);
    }

    #[test]
    fn an_infinite_sum_is_never_reached() {
        static BASE: [AtomicU64; 1] = [AtomicU64::new(0)];
        static CELLS: Cells = Cells::with_floats(&BASE, Floats::All);
        CELLS.add_f64(0, f64::MAX);
        CELLS.add_f64(0, f64::MAX);
        assert_eq!(Totals::now().of(&CELLS)[0], f64::MAX.to_bits());
    }
}
