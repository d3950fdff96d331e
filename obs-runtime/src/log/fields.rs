//! The fields of a line or of a span, rendered: no key twice, and no more than a line may hold.

use super::notation::{Key, Notation};

/// The most fields of one line.
const MAX_FIELDS: usize = 1_024;

/// Rendered fields behind one another, each with what separates it from the one before.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) notation: Notation,
    /// In a line: everything that was written so far.
    pub(super) text: Vec<u8>,
    marks: Vec<Mark>,
    /// How long `text` may become.
    limit: usize,
    /// Whether something found no room.
    pub(super) is_cut: bool,
}

/// Where a field stands in the text.
#[derive(Clone, Copy, Debug)]
struct Mark {
    start: usize,
    /// The end of the key and of what stands between key and value.
    value: usize,
    end: usize,
}

/// What happens to a field whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clash {
    /// It takes the place of the other.
    Replaces,
    /// It is left away.
    Yields,
}

impl Fields {
    pub(super) fn new(notation: Notation, limit: usize) -> Self {
        Self {
            notation,
            text: Vec::new(),
            marks: Vec::new(),
            limit,
            is_cut: false,
        }
    }

    /// Forgets everything but the memory.
    pub(super) fn reset(&mut self, notation: Notation) {
        self.notation = notation;
        self.text.clear();
        self.marks.clear();
        self.is_cut = false;
    }

    /// Sets a field to a text, of which as much is kept as there is room for.
    pub(super) fn text(&mut self, key: Key<'_>, value: &str, clash: Clash) {
        let (notation, limit) = (self.notation, self.limit);
        self.set(key, clash, |out| {
            let room = limit.saturating_sub(out.len());
            notation.text(out, value, room)
        });
    }

    /// Sets a field to what serde knows how to write: numbers and booleans.
    pub(super) fn scalar(&mut self, key: Key<'_>, value: impl Scalar, clash: Clash) {
        self.set(key, clash, |out| {
            value.write(out);
            true
        });
    }

    /// Adds the fields of another, which were rendered in the same notation.
    pub(super) fn append(&mut self, other: &Self, clash: Clash) {
        for mark in &other.marks {
            let key = other.text.get(mark.start..mark.value).unwrap_or_default();
            let value = other.text.get(mark.value..mark.end).unwrap_or_default();
            self.put(
                clash,
                |out| out.extend_from_slice(key),
                |out| {
                    out.extend_from_slice(value);
                    true
                },
            );
        }
        self.is_cut |= other.is_cut;
    }

    fn set(&mut self, key: Key<'_>, clash: Clash, value: impl FnOnce(&mut Vec<u8>) -> bool) {
        let notation = self.notation;
        self.put(clash, |out| notation.key(out, key), value);
    }

    fn put(
        &mut self,
        clash: Clash,
        key: impl FnOnce(&mut Vec<u8>),
        value: impl FnOnce(&mut Vec<u8>) -> bool,
    ) {
        let mut start = self.text.len();
        key(&mut self.text);
        if let Some(at) = self.find(start) {
            if clash == Clash::Yields {
                self.text.truncate(start);
                return;
            }
            start -= self.remove(at);
        }
        if self.marks.len() >= MAX_FIELDS || self.text.len() + 2 > self.limit {
            self.text.truncate(start);
            self.is_cut = true;
            return;
        }
        let value_start = self.text.len();
        self.is_cut |= !value(&mut self.text);
        if self.text.len() > self.limit {
            self.text.truncate(start);
            self.is_cut = true;
            return;
        }
        self.marks.push(Mark {
            start,
            value: value_start,
            end: self.text.len(),
        });
    }

    /// Returns the field whose key is the one that was just written.
    fn find(&self, start: usize) -> Option<usize> {
        let key = self.text.get(start..)?;
        self.marks
            .iter()
            .position(|mark| self.text.get(mark.start..mark.value) == Some(key))
    }

    /// Takes a field out; returns its length.
    fn remove(&mut self, at: usize) -> usize {
        let gone = self.marks.remove(at);
        let len = gone.end - gone.start;
        self.text.drain(gone.start..gone.end);
        for mark in self.marks.iter_mut().skip(at) {
            mark.start -= len;
            mark.value -= len;
            mark.end -= len;
        }
        len
    }
}

/// A value without text in it: written alike in both notations.
pub(super) trait Scalar {
    fn write(self, out: &mut Vec<u8>);
}

macro_rules! scalars {
    ($($number:ty),+) => {$(
        impl Scalar for $number {
            fn write(self, out: &mut Vec<u8>) {
                let start = out.len();
                // Writing to a vector cannot fail.
                if serde_json::to_writer(&mut *out, &self).is_err() {
                    out.truncate(start);
                    out.extend_from_slice(b"null");
                }
            }
        }
    )+};
}

scalars!(u64, i64, u128, i128, bool);

impl Scalar for f64 {
    /// What is no number in JSON is a text: `null` would hide which one it was.
    fn write(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.is_nan() {
            out.extend_from_slice(b"\"NaN\"");
        } else if self.is_infinite() {
            out.extend_from_slice(if self > 0.0 { b"\"+Inf\"" } else { b"\"-Inf\"" });
        } else if serde_json::to_writer(&mut *out, &self).is_err() {
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
    }
}
