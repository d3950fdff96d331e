//! What rustc checks when it evaluates the constants of a `metrics!` block or a derive.
//!
//! A failing check panics in a constant, and rustc shows the text with the caret at the call, which
//! the macros place at the user's own token. Everything here is linear in the size of its input:
//! rustc refuses long evaluations in the user's build.

mod budget;
mod histogram;
mod status;
mod text;
mod values;

pub use self::budget::{block, budget, limit};
pub use self::histogram::{buckets, slo, slo_at, slo_target};
pub use self::status::status;
pub use self::values::label;
use crate::label::clamp;

/// What the derive of `Label` asks for: a type that can be passed on and kept.
#[diagnostic::on_unimplemented(
    message = "the label `{Self}` is not `Copy`",
    label = "a label is passed by value, as often as it is recorded",
    note = "write `#[derive(obs::Label, Clone, Copy)]` above it",
    note = "for an error enum that cannot be `Copy`: `#[derive(obs::ErrorLabel)]`"
)]
pub trait CopyLabel {
    /// Can be named where the type is `Copy`.
    const IS_COPY: ();
}

#[diagnostic::do_not_recommend]
impl<T: Copy> CopyLabel for T {
    const IS_COPY: () = ();
}

/// Returns the index of a nested label's value; a wrong inner index stays inside the inner list.
#[inline]
#[must_use]
pub const fn nested_index(start: usize, inner: usize, values: &[&str]) -> usize {
    start + clamp(inner, values.len())
}

/// Stands for a handle where a block has mistakes and will not compile.
///
/// # Panics
/// Always.
pub fn stub<T>(_: &[usize]) -> T {
    unreachable!("a block with mistakes does not compile")
}

#[cfg(test)]
mod tests {
    use super::nested_index;

    #[test]
    fn a_nested_index_never_leaves_the_inner_list() {
        assert_eq!(nested_index(3, 1, &["a", "b"]), 4);
        assert_eq!(nested_index(3, 999, &["a", "b"]), 4);
        assert_eq!(nested_index(3, 999, &[]), 3);
    }
}
