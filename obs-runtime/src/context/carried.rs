//! The test that something belongs to, without feature `test`: none.

/// Goes wherever a [`Ctx`](super::Ctx) goes; has no size and costs nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carried;

/// Nothing that would have to be given back.
#[must_use]
pub(crate) struct InScope;

impl Carried {
    pub(crate) const NONE: Self = Self;

    pub(crate) const fn current() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "with feature `test` it is used")]
    pub(crate) const fn enter(&self) -> InScope {
        InScope
    }
}
