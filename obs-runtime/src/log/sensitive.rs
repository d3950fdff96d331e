//! Remembers which field names are sensitive: finding out costs more than writing a number.

use std::ptr;

/// Names that a thread remembers; a power of two.
const SLOTS: usize = 64;

/// Places that one name may stand at.
const PLACES: usize = 8;

/// What the redactor of one log said about the names of fields.
///
/// Names are recognised by where they stand in memory: they live as long as the process.
#[derive(Debug)]
pub(super) struct SensitiveKeys {
    log: u64,
    slots: [Option<(&'static str, bool)>; SLOTS],
}

impl Default for SensitiveKeys {
    fn default() -> Self {
        Self {
            log: 0,
            slots: [None; SLOTS],
        }
    }
}

impl SensitiveKeys {
    /// Forgets what another log's redactor said.
    pub(super) fn of_log(&mut self, log: u64) -> &mut Self {
        if self.log != log {
            *self = Self {
                log,
                ..Self::default()
            };
        }
        self
    }

    pub(super) fn get(&self, name: &'static str) -> Option<bool> {
        places(name).find_map(|place| {
            let (known, is_sensitive) = (*self.slots.get(place)?)?;
            ptr::eq(known, name).then_some(is_sensitive)
        })
    }

    pub(super) fn set(&mut self, name: &'static str, is_sensitive: bool) {
        let free = places(name).find(|place| matches!(self.slots.get(*place), Some(None)));
        let place = free.unwrap_or_else(|| slot(name));
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Some((name, is_sensitive));
        }
    }
}

/// Where a name may stand. With one place alone, two names of one line would now and then drive
/// each other out for ever.
fn places(name: &'static str) -> impl Iterator<Item = usize> {
    (slot(name)..).take(PLACES).map(|place| place % SLOTS)
}

fn slot(name: &'static str) -> usize {
    let at = name.as_ptr().addr();
    // Names stand close together: their low bits differ, and those above them hardly.
    (at ^ (at >> 6) ^ name.len()) % SLOTS
}
