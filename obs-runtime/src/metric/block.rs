//! The blocks of cells: one per thread, written by that thread alone.
//!
//! A thread finds its block through one thread-local pointer. Every [`Cells`] has the same offset
//! in every block, given out the first time anybody records into it. Scraping sums a cell over
//! the blocks; a thread that ends folds its block into the shared base cells and hands it on.
//!
//! One writer per block is what makes a plain relaxed load and store enough to count exactly.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use super::cells::Cells;
use super::exemplar::SampledSpan;

/// The cells of a block, valid for ever: blocks are reused, never freed.
pub(crate) type Block = &'static [AtomicU64];

/// An offset that points past every block, so that the bounds check of the first access is also
/// the check whether an offset was given out.
pub(crate) const UNASSIGNED: u32 = u32::MAX;

/// Cells that found no room in the blocks; past every block as well.
pub(crate) const SHARED: u32 = u32::MAX - 1;

/// The cells of a block: 1 MiB of addresses, of which only the pages touched take memory. What
/// finds no room is counted in the shared base cells.
///
/// Those no capture sees, and each `Obs` has cells of its own, of which a process with thousands of
/// tests makes thousands.
const CAPACITY: usize = if cfg!(feature = "test") {
    1 << 20
} else {
    1 << 17
};

/// What a thread looks at when it records.
pub(crate) struct Local {
    /// This thread's block, or that of the capture whose future is being polled; empty before the
    /// first record and after the thread's destructors ran.
    pub(crate) block: Cell<Block>,
    /// Whether `block` belongs to a capture: then gauges are written there too.
    pub(crate) captured: Cell<bool>,
    /// The sampled operation that this thread works for: what it observes may be an exemplar.
    pub(crate) sampled: Cell<Option<SampledSpan>>,
}

thread_local! {
    // No destructor and a constant initialiser: the access compiles to one load.
    pub(crate) static LOCAL: Local = const {
        Local {
            block: Cell::new(&[]),
            captured: Cell::new(false),
            sampled: Cell::new(None),
        }
    };

    /// The live blocks, while this thread holds the lock for a reading of them.
    static HELD: RefCell<Option<Vec<Block>>> = const { RefCell::new(None) };

    static OWNED: Owned = const { Owned(Cell::new(None)) };
}

/// Gives the thread's block back when the thread ends.
struct Owned(Cell<Option<Block>>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(block) = self.0.take() {
            LOCAL.with(|local| local.block.set(&[]));
            lock().fold(block);
        }
    }
}

/// Every block, and every range of cells that has an offset in them.
pub(crate) struct Blocks {
    /// The first offset that is not given out.
    next: usize,
    assigned: Vec<&'static Cells>,
    live: Vec<Block>,
    free: Vec<Block>,
}

static BLOCKS: Mutex<Blocks> = Mutex::new(Blocks {
    next: 0,
    assigned: Vec::new(),
    live: Vec::new(),
    free: Vec::new(),
});

/// Locks the blocks; a panic elsewhere while they were locked does not stop the counting.
pub(crate) fn lock() -> MutexGuard<'static, Blocks> {
    BLOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lock, held for a reading. What the same thread records or reads meanwhile (a part, a panic
/// hook, an allocator) must not wait for it.
pub(crate) struct Reading(MutexGuard<'static, Blocks>);

/// Locks the blocks for a reading; returns the live blocks if this thread holds the lock already.
pub(crate) fn read() -> Result<Reading, Vec<Block>> {
    if let Some(live) = HELD.try_with(|held| held.borrow().clone()).ok().flatten() {
        return Err(live);
    }
    let blocks = lock();
    // Without locals, only recording during this reading is at risk.
    drop(HELD.try_with(|held| held.replace(Some(blocks.live.clone()))));
    Ok(Reading(blocks))
}

impl Reading {
    pub(crate) fn live(&self) -> &[Block] {
        self.0.live()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        drop(HELD.try_with(|held| held.replace(None)));
    }
}

/// Whether this thread holds the lock for a reading.
pub(crate) fn is_held() -> bool {
    HELD.try_with(|held| held.borrow().is_some())
        .unwrap_or(false)
}

impl Blocks {
    /// Gives `cells` its place in every block, once.
    pub(crate) fn assign(&mut self, cells: &'static Cells) -> u32 {
        let offset = cells.offset().load(Ordering::Relaxed);
        if offset != UNASSIGNED {
            return offset;
        }
        let end = self.next + cells.len();
        let offset = match u32::try_from(self.next) {
            Ok(offset) if end <= CAPACITY => {
                self.next = end;
                offset
            }
            _ => SHARED,
        };
        self.assigned.push(cells);
        cells.offset().store(offset, Ordering::Relaxed);
        offset
    }

    /// Takes a zeroed block that scrapes do not see.
    pub(crate) fn take(&mut self) -> Block {
        self.free
            .pop()
            .unwrap_or_else(|| Box::leak(bytemuck::zeroed_slice_box::<AtomicU64>(CAPACITY)))
    }

    /// Takes a block away from a capture without counting what is in it.
    #[cfg(feature = "test")]
    pub(crate) fn discard(&mut self, block: Block) {
        for cell in &block[..self.next] {
            // A page that is only read takes no memory.
            if cell.load(Ordering::Relaxed) != 0 {
                cell.store(0, Ordering::Relaxed);
            }
        }
        self.free.push(block);
    }

    /// Adds an ended thread's counts to the base cells and keeps the block for the next thread.
    fn fold(&mut self, block: Block) {
        for cells in &self.assigned {
            cells.fold(block);
        }
        self.live.retain(|live| !std::ptr::eq(*live, block));
        self.free.push(block);
    }

    /// Returns the blocks of all threads alive.
    pub(crate) fn live(&self) -> &[Block] {
        &self.live
    }

    /// Returns everything that was recorded into since the process started.
    pub(crate) fn assigned(&self) -> &[&'static Cells] {
        &self.assigned
    }
}

/// Makes `cells` and this thread ready for the fast path.
///
/// Returns false where the shared base cells must be used: there is no room in the blocks, the
/// thread is past its destructors, or a scrape holds the lock (a thread's first record shall not
/// wait for it).
#[cold]
pub(crate) fn prepare(cells: &'static Cells) -> bool {
    let has_block = LOCAL.with(|local| !local.block.get().is_empty());
    if cells.offset().load(Ordering::Relaxed) == SHARED {
        return false;
    }
    if is_held() {
        return false;
    }
    if has_block {
        return lock().assign(cells) != SHARED;
    }
    OWNED
        .try_with(|owned| {
            let mut blocks = match BLOCKS.try_lock() {
                Ok(blocks) => blocks,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return false,
            };
            let offset = blocks.assign(cells);
            let block = blocks.take();
            blocks.live.push(block);
            owned.0.set(Some(block));
            LOCAL.with(|local| local.block.set(block));
            offset != SHARED
        })
        .unwrap_or(false)
}

/// A place in the blocks that is not given out yet.
pub(crate) const fn unassigned() -> AtomicU32 {
    AtomicU32::new(UNASSIGNED)
}
