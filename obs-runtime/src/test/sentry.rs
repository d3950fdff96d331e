//! What a test reported to Sentry, as the server would have got it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::sentry::{Answer, Deliver};

/// The envelopes that were sent, and takes every one.
#[derive(Clone, Default)]
pub(super) struct Envelopes(Arc<Mutex<Vec<Vec<u8>>>>);

impl Deliver for Envelopes {
    fn deliver(&mut self, envelope: &[u8]) -> Answer {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push(envelope.to_owned());
        Answer {
            status: Some(200),
            ..Answer::default()
        }
    }
}

impl Envelopes {
    /// Returns the payloads of one type, in the order in which they were sent.
    pub(super) fn items(&self, kind: &str) -> Vec<Value> {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter()
            .flat_map(|envelope| items(envelope, kind))
            .collect()
    }
}

/// An envelope is a line about itself, then for each item a line about it and one with its payload.
fn items(envelope: &[u8], kind: &str) -> Vec<Value> {
    let lines: Vec<Value> = envelope
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect();
    let items = lines.get(1..).unwrap_or_default();
    items
        .chunks_exact(2)
        .filter_map(|item| match item {
            [head, payload] if head["type"] == kind => Some(payload.clone()),
            _ => None,
        })
        .collect()
}
