//! The two ways to write a line: JSON, and for people at a terminal.

use crate::prefix::prefix_of;
use std::io::Write as _;

/// Bytes of a key that are kept.
const MAX_KEY: usize = 128;

/// How keys and values are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notation {
    Json,
    Pretty { colour: bool },
}

/// The name of a field: what a user called it, and what is put around that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) prefix: &'static str,
    pub(super) name: &'a str,
    pub(super) suffix: &'static str,
}

impl<'a> Key<'a> {
    /// Returns the key of a user's field.
    ///
    /// A name with a meaning of its own on a line is moved away on every line, so that what a key
    /// means never depends on the line.
    pub(super) fn of(name: &'a str) -> Self {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let prefix = if is_owned(name) { "field_" } else { "" };
        Self {
            prefix,
            name: prefix_of(name, MAX_KEY),
            suffix: "",
        }
    }
}

/// Whether a name means something of `obs`' own; no name at all could not be found again.
fn is_owned(name: &str) -> bool {
    matches!(
        name,
        "" | "timestamp"
            | "level"
            | "target"
            | "message"
            | "service"
            | "environment"
            | "correlation_id"
            | "request_id"
            | "trace_id"
            | "span_id"
            | "parent_span_id"
            | "linked_span_id"
            | "method"
            | "route"
            | "truncated"
    )
}

impl Notation {
    /// Writes what stands before a value.
    pub(super) fn key(self, out: &mut Vec<u8>, key: Key<'_>) {
        match self {
            Self::Json => {
                out.push(b',');
                let start = out.len();
                if key.name.bytes().all(is_plain) {
                    out.push(b'"');
                    out.extend_from_slice(key.name.as_bytes());
                    out.push(b'"');
                } else {
                    json_text(out, key.name, usize::MAX);
                }
                // Rare enough to move the name once more.
                if !key.prefix.is_empty() {
                    let after_quote = start + 1;
                    out.splice(after_quote..after_quote, key.prefix.bytes());
                }
                if !key.suffix.is_empty() {
                    out.pop();
                    out.extend_from_slice(key.suffix.as_bytes());
                    out.push(b'"');
                }
                out.push(b':');
            }
            Self::Pretty { colour } => {
                out.push(b' ');
                dim(out, colour, |out| {
                    out.extend_from_slice(key.prefix.as_bytes());
                    pretty_within(out, key.name, usize::MAX, Quoted::No);
                    out.extend_from_slice(key.suffix.as_bytes());
                    out.push(b'=');
                });
            }
        }
    }

    /// Writes a text as a value of no more than `room` bytes; returns whether it fits as a whole.
    pub(super) fn text(self, out: &mut Vec<u8>, text: &str, room: usize) -> bool {
        if let Self::Json = self {
            return json_text(out, text, room);
        }
        let is_bare = !text.is_empty()
            && !text.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '='));
        if is_bare {
            return pretty_within(out, text, room, Quoted::No);
        }
        out.push(b'"');
        let fits = pretty_within(out, text, room.saturating_sub(2), Quoted::Yes);
        out.push(b'"');
        fits
    }
}

/// Writes a text as a JSON string of no more than `room` bytes; returns whether it is all of it.
fn json_text(out: &mut Vec<u8>, text: &str, room: usize) -> bool {
    let start = out.len();
    // Writing to a vector cannot fail.
    if serde_json::to_writer(&mut *out, text).is_ok() && out.len() - start <= room {
        return true;
    }
    out.truncate(start);
    let mut used = 2;
    let fitting = text.find(|c: char| {
        used += json_len(c);
        used > room
    });
    let text = &text[..fitting.unwrap_or(0)];
    if serde_json::to_writer(&mut *out, text).is_err() {
        out.truncate(start);
    }
    false
}

/// What nearly every key is made of, and what JSON does not escape.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// The bytes of a character in a JSON string.
fn json_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

/// Whether a text stands in quotes, which it must then not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quoted {
    Yes,
    No,
}

/// Writes a text without anything that a terminal obeys: a line from outside must not be able to
/// clear the screen, begin another line, or turn the reading direction.
pub(super) fn pretty_within(out: &mut Vec<u8>, text: &str, room: usize, quoted: Quoted) -> bool {
    let start = out.len();
    let mut bytes = [0; 4];
    for c in text.chars() {
        let before = out.len();
        match c {
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '"' | '\\' if quoted == Quoted::Yes => out.extend_from_slice(&[b'\\', c as u8]),
            c if is_obeyed(c) => drop(write!(out, "{}", c.escape_unicode())),
            c => out.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes()),
        }
        if out.len() - start > room {
            out.truncate(before);
            return false;
        }
    }
    true
}

/// Control characters, and what changes the reading direction or cannot be seen.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writes something less brightly than the rest.
pub(super) fn dim(out: &mut Vec<u8>, colour: bool, write: impl FnOnce(&mut Vec<u8>)) {
    painted(out, colour.then_some(b"2"), write);
}

/// Writes something in a colour of ECMA-48.
pub(super) fn painted(out: &mut Vec<u8>, code: Option<&[u8]>, write: impl FnOnce(&mut Vec<u8>)) {
    let Some(code) = code else {
        return write(out);
    };
    out.extend_from_slice(b"\x1b[");
    out.extend_from_slice(code);
    out.push(b'm');
    write(out);
    out.extend_from_slice(b"\x1b[0m");
}
