//! Finds out by its type whether a function returns a boxed future.
//!
//! `#[tool]` and `async_trait` leave such functions behind, and an alias hides them from a macro
//! that looks at the text. An inherent method beats a trait's method of the same name, so
//! `Shape::<Ret>::OF.__obs_shape()` is chosen by the compiler.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use super::outcome::Seen;
use super::plan::{FieldSpan, Plan};
use super::record::Records;
use super::target::Target;

/// Asks for the shape of a function that returns `R`.
#[derive(Debug)]
pub struct Shape<R>(PhantomData<fn() -> R>);

impl<R> Shape<R> {
    /// The question.
    pub const OF: Self = Self(PhantomData);
}

/// What any type is: a value.
pub trait PlainShape: Sized {
    /// Returns the shape.
    #[inline]
    fn __obs_shape(self) -> Plain {
        Plain
    }
}

impl<R> PlainShape for Shape<R> {}

/// The call ends when the function returns.
#[derive(Debug)]
pub struct Plain;

impl Plain {
    /// Observes the call.
    #[inline]
    pub fn run<V, T: Target, R: Records, S: FieldSpan>(
        self,
        plan: Plan<T, R, S>,
        body: impl FnOnce() -> V,
        seen: impl FnOnce(&V) -> Seen,
    ) -> V {
        let Self = self;
        plan.run(body, seen)
    }
}

macro_rules! boxed {
    ($doc:literal $name:ident [$($bound:ident)*]) => {
        #[doc = $doc]
        #[derive(Debug)]
        pub struct $name;

        impl<V> Shape<Pin<Box<dyn Future<Output = V> $(+ $bound)* + '_>>> {
            /// Returns the shape.
            #[inline]
            pub fn __obs_shape(self) -> $name {
                $name
            }
        }

        impl $name {
            /// Observes the call.
            pub fn run<'a, V, T, R, S, C>(
                self,
                plan: Plan<T, R, S>,
                body: impl FnOnce() -> Pin<Box<dyn Future<Output = V> $(+ $bound)* + 'a>>,
                seen: C,
            ) -> Pin<Box<dyn Future<Output = V> $(+ $bound)* + 'a>>
            where
                V: 'a,
                T: Target<Active: $($bound +)*> $(+ $bound)* + 'a,
                R: Records<Running: $($bound +)*> $(+ $bound)* + 'a,
                S: FieldSpan $(+ $bound)* + 'a,
                C: FnOnce(&V) -> Seen $(+ $bound)* + 'a,
            {
                let future = body();
                Box::pin(plan.future(future, seen))
            }
        }
    };
}
boxed!("The call ends when the boxed future does." BoxedLocal []);
boxed!("The call ends when the boxed future does, on any thread." BoxedSend [Send]);
boxed!("The call ends when the boxed future does, on any thread." BoxedSync [Send Sync]);
