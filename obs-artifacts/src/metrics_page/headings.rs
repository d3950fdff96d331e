//! The addresses that GitHub gives to headings, so that tables can link to them.

use std::collections::BTreeMap;

/// The headings of a page up to now.
#[derive(Clone, Debug, Default)]
pub(super) struct Headings {
    seen: BTreeMap<String, usize>,
}

impl Headings {
    /// Returns the address of the next heading with this text: a number tells equal ones apart.
    pub(super) fn slug(&mut self, text: &str) -> String {
        let slug = slug(text);
        let before = self.seen.entry(slug.clone()).or_default();
        *before += 1;
        match *before {
            1 => slug,
            many => format!("{slug}-{}", many - 1),
        }
    }
}

/// Returns the address of the first heading with this text.
pub(super) fn slug(text: &str) -> String {
    let kept = text.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}
