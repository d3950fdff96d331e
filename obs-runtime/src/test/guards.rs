//! Guards of gauges that a test holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Scope;

/// How many guards of each gauge are held.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Guards {
    /// Returns the gauges whose guards are held, and how many of each.
    pub(super) fn open(&self) -> Vec<(&'static str, u64)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter()
            .filter(|(_, held)| **held > 0)
            .map(|(gauge, held)| (*gauge, *held))
            .collect()
    }
}

/// Notes for the test in which a guard was made that it is held, until this is dropped, wherever
/// that is.
pub(crate) struct OpenGuard(Option<(&'static str, Guards)>);

impl OpenGuard {
    pub(crate) fn of(gauge: &'static str) -> Self {
        let Some(scope) = Scope::current() else {
            return Self(None);
        };
        let guards = scope.guards().clone();
        let mut held = guards.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held.entry(gauge).or_default() += 1;
        drop(held);
        Self(Some((gauge, guards)))
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        if let Some((gauge, guards)) = &self.0 {
            let mut held = guards.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(held) = held.get_mut(gauge) {
                *held = held.saturating_sub(1);
            }
        }
    }
}

impl fmt::Debug for OpenGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenGuard").finish_non_exhaustive()
    }
}
