//! The closed lists that the engine counts by.

use crate::csv::CsvErrorKind;

/// What became of a row.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    Ok,
    Rejected,
}

/// What became of an upload.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageOutcome {
    Accepted,
    Refused,
    Failed,
}

/// What a job does.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    CsvImport,
}

/// Why a job failed.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The file holds no good row; the mistake is the first one.
    #[label(nested)]
    Csv(CsvErrorKind),
    /// The process ended before the job did.
    Interrupted,
    /// The file could not be read to its end.
    Io,
    /// The database failed.
    Storage,
    /// A bug.
    Internal,
}

/// How an attempt to deliver a webhook ended.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Delivered,
    /// Failed, and will be tried again.
    Failed,
    /// Failed for the last time.
    GivenUp,
}

/// What the rate limiter decided.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    Limited,
}

/// How asking the third party ended.
#[derive(obs::Label, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    Ok,
    /// Answered from what is stored.
    Cached,
    Timeout,
    Failed,
}
