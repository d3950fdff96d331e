//! One reading of all cells.

use std::ops::Range;

use super::block::{self, Block, LOCAL};
use super::{Cells, Exemplar};

/// A reading of the cells of the whole process, or of one test capture.
///
/// While it lives no thread's block can be folded, so that nothing is counted twice or missed;
/// threads go on recording.
#[derive(Debug)]
pub struct Totals {
    source: Source,
}

enum Source {
    Process(block::Reading),
    /// Inside another reading by the same thread.
    Nested(Vec<Block>),
    Capture(Vec<Block>),
    /// The process, and a capture besides.
    #[cfg(all(feature = "test", feature = "http"))]
    ProcessAndCapture {
        /// Held while it is read.
        _reading: Option<block::Reading>,
        blocks: Vec<Block>,
    },
}

impl Totals {
    /// Reads the process, or, inside a test capture, what the capture recorded so far.
    pub(crate) fn now() -> Self {
        let captured = LOCAL.with(|local| local.captured.get().then(|| local.block.get()));
        let source = match captured {
            Some(block) => Source::Capture(captured_blocks(block)),
            None => match block::read() {
                Ok(reading) => Source::Process(reading),
                Err(live) => Source::Nested(live),
            },
        };
        Self { source }
    }

    /// Reads the blocks of a capture alone.
    #[cfg(feature = "test")]
    pub(crate) fn of_capture(blocks: Vec<Block>) -> Self {
        Self {
            source: Source::Capture(blocks),
        }
    }

    /// Reads the process and the blocks of a capture: everything of cells that only one test uses.
    #[cfg(all(feature = "test", feature = "http"))]
    pub(crate) fn with_capture(blocks: Vec<Block>) -> Self {
        let (reading, mut all) = match block::read() {
            Ok(reading) => {
                let live = reading.live().to_vec();
                (Some(reading), live)
            }
            Err(live) => (None, live),
        };
        all.extend(blocks);
        Self {
            source: Source::ProcessAndCapture {
                _reading: reading,
                blocks: all,
            },
        }
    }

    /// Returns the sum of each cell of a range over all blocks.
    #[must_use]
    pub fn of(&self, cells: &Cells) -> Vec<u64> {
        match &self.source {
            Source::Process(blocks) => cells.sum(true, blocks.live()),
            Source::Nested(blocks) => cells.sum(true, blocks),
            #[cfg(all(feature = "test", feature = "http"))]
            Source::ProcessAndCapture { blocks, .. } => cells.sum(true, blocks),
            Source::Capture(blocks) => cells.sum(false, blocks),
        }
    }

    /// Returns the exemplars of a range's buckets: one place for each, or nothing at all where none
    /// has one. A test capture has none.
    #[must_use]
    pub fn exemplars(&self, cells: &Cells, buckets: Range<usize>) -> Vec<Option<Exemplar>> {
        match &self.source {
            Source::Process(_) | Source::Nested(_) => cells.exemplars().read(buckets),
            #[cfg(all(feature = "test", feature = "http"))]
            Source::ProcessAndCapture { .. } => Vec::new(),
            Source::Capture(_) => Vec::new(),
        }
    }
}

/// All blocks of the test that the thread works for, where `block` is one of them: another thread
/// may record for it as well.
fn captured_blocks(block: Block) -> Vec<Block> {
    #[cfg(all(feature = "test", feature = "http"))]
    if let Some(blocks) = crate::test::Scope::captured_blocks()
        && blocks.iter().any(|known| std::ptr::eq(*known, block))
    {
        return blocks;
    }
    vec![block]
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Process(_) => "Process",
            Self::Nested(_) => "Nested",
            #[cfg(all(feature = "test", feature = "http"))]
            Self::ProcessAndCapture { .. } => "ProcessAndCapture",
            Self::Capture(_) => "Capture",
        })
    }
}
