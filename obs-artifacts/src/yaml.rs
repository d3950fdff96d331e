//! YAML with a notice above it.

use serde::Serialize;

/// Writes a value as YAML below comments.
///
/// # Panics
/// If a type has no form in YAML; none of ours is such.
pub(crate) fn document(notice: &str, value: &impl Serialize) -> String {
    let lines = notice.lines().map(|line| format!("# {line}"));
    let comments = lines.fold(String::new(), |all, line| all + line.trim_end() + "\n");
    let text = serde_saphyr::to_string(value).expect("our types have a form in YAML");
    format!("{comments}{text}")
}
