//! The beginning of a text, where the whole is too long.

/// Returns the beginning of a text, of no more than so many bytes and up to a whole character.
pub(crate) fn prefix_of(text: &str, len: usize) -> &str {
    if text.len() <= len {
        return text;
    }
    let end = (0..=len).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
