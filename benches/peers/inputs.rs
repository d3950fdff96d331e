//! What the operations are fed: labels and values, picked at random beforehand.

use measured::FixedCardinalityLabel;
use obs::Label;
use prometheus_client::encoding::EncodeLabelValue;

/// A power of two, large enough that a branch predictor does not learn it by heart.
const LEN: usize = 1 << 14;

/// A table of inputs that the operations walk round and round.
#[derive(Debug)]
pub(crate) struct Inputs<I>(Box<[I; LEN]>);

impl<I: Copy> Inputs<I> {
    /// Makes a table that lives as long as the process. Every table draws the same numbers, so
    /// rows with inputs of their own type still see the same labels in the same order.
    pub(crate) fn draw(mut input: impl FnMut(&mut Random) -> I) -> &'static Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let table: Vec<I> = (0..LEN).map(|_| input(&mut random)).collect();
        let Ok(table) = table.try_into() else {
            unreachable!("the table has {LEN} inputs")
        };
        Box::leak(Box::new(Self(table)))
    }

    #[inline]
    pub(crate) fn at(&self, i: usize) -> I {
        self.0[i % LEN]
    }
}

/// Xorshift: the same numbers in every run.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let at = self.next() % from.len() as u64;
        from[usize::try_from(at).unwrap_or(0)]
    }

    /// A number of seconds between 50 µs and 30 s, each order of magnitude as likely.
    pub(crate) fn seconds(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "random anyway")]
        let unit = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        5e-5 * 6e5_f64.powf(unit)
    }
}

/// One label of the comparison; every crate in it takes the same enum.
#[derive(
    obs::Label, FixedCardinalityLabel, EncodeLabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash,
)]
pub(crate) enum Tool {
    IngestCsv,
    IngestJson,
    ListJobs,
    JobStatus,
    CancelJob,
    RetryJob,
    Search,
    Query,
    Explain,
    CreateProject,
    DeleteProject,
    ListProjects,
    Export,
    Reconcile,
    Validate,
    Health,
}

impl Tool {
    pub(crate) const ALL: [Self; 16] = [
        Self::IngestCsv,
        Self::IngestJson,
        Self::ListJobs,
        Self::JobStatus,
        Self::CancelJob,
        Self::RetryJob,
        Self::Search,
        Self::Query,
        Self::Explain,
        Self::CreateProject,
        Self::DeleteProject,
        Self::ListProjects,
        Self::Export,
        Self::Reconcile,
        Self::Validate,
        Self::Health,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }
}

/// The other label.
#[derive(
    obs::Label, FixedCardinalityLabel, EncodeLabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash,
)]
pub(crate) enum Outcome {
    Ok,
    Error,
    Cancelled,
}

impl Outcome {
    pub(crate) const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Cancelled];

    pub(crate) fn as_str(self) -> &'static str {
        Self::VALUES[self as usize]
    }
}
