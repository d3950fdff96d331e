#![deny(warnings)]

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

#[obs::observed]
fn many<'a, 'b: 'a, T, U, const N: usize>(a: &'a T, _: &'b [U; N]) -> Result<&'a T, Box<U>>
where
    T: ?Sized + Debug,
    U: Clone + 'b,
{
    Ok(a)
}

#[obs::observed]
fn higher_ranked(callback: impl for<'a> Fn(&'a str) -> &'a str) -> String {
    callback("x").to_owned()
}

#[obs::observed]
fn returns_a_closure<T: Copy>(value: T) -> impl Fn() -> T {
    move || value
}

#[obs::observed]
fn captures<'a, T: Debug>(value: &'a T, _not_this: &str) -> impl Debug + use<'a, T> {
    value
}

#[obs::observed]
async fn asynchronous<T: Send + 'static>(value: T) -> Result<T, std::io::Error> {
    Ok(value)
}

#[obs::observed]
fn boxed_generic<'a, T: Send + 'a>(value: T) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
    Box::pin(async move { value })
}

#[obs::observed]
fn future_generic<T>(value: T) -> impl Future<Output = Option<T>> {
    std::future::ready(Some(value))
}

struct Pair<A, Error>(A, Error);

impl<A: Clone, Error: Clone> Pair<A, Error> {
    #[obs::observed]
    fn left(&self) -> Option<A> {
        Some(self.0.clone())
    }

    #[obs::observed]
    fn swap(self) -> Pair<Error, A>
    where
        Self: Sized,
    {
        Pair(self.1, self.0)
    }
}

impl<E: Clone> Pair<u8, E> {
    #[obs::observed]
    fn fails(&self) -> Result<u8, E> {
        Err(self.1.clone())
    }

    #[obs::observed]
    fn associated() -> Result<u8, E> {
        Ok(1)
    }
}

trait Repository {
    type Error: Debug;
    type Row;

    #[obs::observed]
    fn load(&self) -> Result<Self::Row, Self::Error> {
        self.load_uncached()
    }

    fn load_uncached(&self) -> Result<Self::Row, Self::Error>;
}

impl Repository for u8 {
    type Error = String;
    type Row = u8;

    #[obs::observed]
    fn load_uncached(&self) -> Result<Self::Row, Self::Error> {
        Ok(*self)
    }
}

fn main() {
    many("x", &[1]).unwrap();
    higher_ranked(|s| s);
    returns_a_closure(1)();
    drop(captures(&1, ""));
    drop(asynchronous(1));
    drop(boxed_generic(1));
    drop(future_generic(1));
    Pair(1, 2).swap().left();
    Pair(1, 2).fails().unwrap_err();
    Pair::<u8, u8>::associated().unwrap();
    7u8.load().unwrap();
}
