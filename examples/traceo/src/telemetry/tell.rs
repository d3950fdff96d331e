//! Lines that a person wants to read; ids are on them by the context they are written in.

use std::fmt::Display;
use std::time::Duration;

use crate::api::{JobStatus, text};

pub(crate) fn job_accepted() {
    tracing::info!("job accepted");
}

pub(crate) fn job_ended(status: JobStatus, duration: Duration) {
    tracing::info!(
        status = text(status),
        seconds = duration.as_secs_f64(),
        "job ended"
    );
}

pub(crate) fn job_taken_over() {
    tracing::warn!("the engine that ran the job is gone; the job waits for another");
}

/// Says that a third party is asked again, which takes the request that waits for it longer.
pub(crate) fn third_party_asked_again(error: &dyn Display, tries: u32) {
    tracing::warn!(%error, tries, "no answer from the third party; it is asked again");
}

pub(crate) fn queue_gone(error: &dyn Display) {
    tracing::error!(%error, "the queue cannot be reached: jobs wait in the database until it can");
}

pub(crate) fn queue_back() {
    tracing::info!("the queue can be reached again");
}
