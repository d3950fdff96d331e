//! Jobs: work that is done later, and often elsewhere, on behalf of a request.
//!
//! What a request leaves behind is a [`Carrier`], stored with the job. Whoever takes the job up makes
//! a [`Job`] of it, and everything in it belongs to the request again: same correlation id, and the
//! same trace or one that is linked to it.

mod carrier;
mod run;

pub use carrier::Carrier;
pub use run::{Job, JobFuture};

pub(crate) use run::{JOB, JOB_COMPLETED};
