//! Finds out by its type what a result says about a call.
//!
//! Everything here is called by method syntax at the expansion site, where the concrete type is
//! known: an inherent method of `Good<CallToolResult>` beats the trait's method for any `Good<T>`,
//! and a trait's method by value beats one that needs a reference. Aliases work, because no text
//! is looked at. The methods have names that no trait of the user's has.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::outcome::{ErrorKind, Seen};
use crate::ErrorLabel;

/// A result to look at.
#[derive(Debug)]
pub struct Probe<'a, T>(pub &'a T);

/// The value of a call that did not fail, as far as `Result` goes.
#[derive(Debug)]
pub struct Good<'a, T>(
    #[cfg_attr(
        not(feature = "rmcp"),
        expect(dead_code, reason = "only rmcp's values can fail")
    )]
    pub(crate) &'a T,
);

/// The error of a call.
#[derive(Debug)]
pub struct Bad<'a, E>(pub(crate) &'a E);

/// What a result consists of.
#[derive(Debug)]
pub enum Parts<'a, T, E> {
    /// A value.
    Good(Good<'a, T>),
    /// An error.
    Bad(Bad<'a, E>),
}

impl<'a, T, E> Probe<'a, Result<T, E>> {
    /// Takes a `Result` apart.
    #[inline]
    pub fn __obs_parts(self) -> Parts<'a, T, E> {
        match self.0 {
            Ok(value) => Parts::Good(Good(value)),
            Err(error) => Parts::Bad(Bad(error)),
        }
    }
}

/// Any type that is no `Result`.
pub trait Whole<'a, T> {
    /// Takes the value as it is.
    fn __obs_parts(self) -> Parts<'a, T, Infallible>;
}

impl<'a, T> Whole<'a, T> for Probe<'a, T> {
    #[inline]
    fn __obs_parts(self) -> Parts<'a, T, Infallible> {
        Parts::Good(Good(self.0))
    }
}

impl<'a, T, E> Parts<'a, T, E> {
    /// Returns whether it is an error.
    #[cfg(feature = "test")]
    #[must_use]
    pub const fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }

    /// Asks whichever part there is.
    #[inline]
    pub fn seen(
        self,
        good: impl FnOnce(Good<'a, T>) -> Seen,
        bad: impl FnOnce(Bad<'a, E>) -> Seen,
    ) -> Seen {
        match self {
            Self::Good(value) => good(value),
            Self::Bad(error) => bad(error),
        }
    }
}

/// Any value.
pub trait AnyGood: Sized {
    /// A value is no failure.
    #[inline]
    fn __obs_seen(self) -> Seen {
        Seen::Ok
    }
}

impl<T> AnyGood for Good<'_, T> {}

/// An error whose type lists its kinds.
pub trait KindedBad {
    /// Returns the kind.
    fn __obs_seen(self) -> Seen;
}

impl<E: ErrorLabel> KindedBad for Bad<'_, E> {
    #[cold]
    fn __obs_seen(self) -> Seen {
        // `index` may be written by hand; a panic in it must not reach the caller.
        let kind = catch_unwind(AssertUnwindSafe(|| ErrorKind::of(self.0)));
        Seen::Err(kind.map_err(super::event::forget).ok())
    }
}

/// Any error.
pub trait PlainBad: Sized {
    /// An error of no known kind.
    #[inline]
    fn __obs_seen(self) -> Seen {
        Seen::Err(None)
    }
}

impl<E> PlainBad for &Bad<'_, E> {}

/// Asks which kinds of errors a return type can have, before there is an error.
#[derive(Debug)]
pub struct Kinds<R>(PhantomData<fn() -> R>);

impl<R> Kinds<R> {
    /// The question.
    pub const OF: Self = Self(PhantomData);
}

/// The kinds of an error type.
#[derive(Debug)]
pub struct KindsOf<E>(PhantomData<fn() -> E>);

impl<E> KindsOf<E> {
    /// The question.
    pub const OF: Self = Self(PhantomData);
}

impl<T, E> Kinds<Result<T, E>> {
    /// Finds the error type.
    #[must_use]
    pub fn __obs_error(self) -> KindsOf<E> {
        KindsOf(PhantomData)
    }
}

/// Any type that is no `Result`.
pub trait NoError: Sized {
    /// There is none.
    fn __obs_error(self) -> KindsOf<Infallible> {
        KindsOf(PhantomData)
    }
}

impl<R> NoError for Kinds<R> {}

/// An error type that lists its kinds.
pub trait Listed {
    /// Returns them.
    fn __obs_values(self) -> Option<&'static [&'static str]>;
}

impl<E: ErrorLabel> Listed for KindsOf<E> {
    fn __obs_values(self) -> Option<&'static [&'static str]> {
        Some(E::VALUES)
    }
}

/// Any error type.
pub trait Unlisted: Sized {
    /// Nobody knows.
    fn __obs_values(self) -> Option<&'static [&'static str]> {
        None
    }
}

impl<E> Unlisted for &KindsOf<E> {}
