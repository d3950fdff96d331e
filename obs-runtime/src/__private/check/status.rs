//! Checks the status of an error.

use super::text::Text;

/// Takes the status of a variant, if it is that of an error.
///
/// # Panics
/// When compiling, if it is not.
#[must_use]
#[track_caller]
pub const fn status(variant: &str, status: u16) -> u16 {
    if status >= 400 && status <= 599 {
        return status;
    }
    let text = Text::new()
        .str("the status of `")
        .str(variant)
        .str("` is ")
        .number(status as usize);
    let text = text.str(", and that of an error is from 400 to 599");
    let text = text.help("write 404 for what is not there, 500 for what went wrong here");
    panic!("{}", text.as_str());
}
