#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

#[derive(obs::ErrorLabel, Clone)]
enum LoadError {
    Missing,
}

mod inner {
    pub type Result<T> = std::result::Result<T, super::LoadError>;
    pub type LoadResult = Result<u8>;
}

#[obs::observed]
fn written_out(name: &str) -> Result<&str, LoadError> {
    if name.is_empty() { Err(LoadError::Missing) } else { Ok(name) }
}

#[obs::observed]
fn by_an_alias() -> inner::Result<u8> {
    Ok(1)
}

#[obs::observed]
fn by_a_bare_alias() -> inner::LoadResult {
    Ok(1)
}

#[obs::observed]
async fn with_a_lifetime<'a>(name: &'a str) -> Result<&'a str, LoadError> {
    Ok(name)
}

#[obs::observed]
fn in_a_box<'a>(name: &'a str) -> Pin<Box<dyn Future<Output = Result<&'a str, LoadError>> + 'a>> {
    Box::pin(async move { Ok(name) })
}

#[obs::observed]
fn in_an_opaque_future() -> impl Future<Output = Result<(), LoadError>> {
    async { Err(LoadError::Missing) }
}

#[obs::observed]
fn of_a_parameter<E: Clone>(error: &E) -> Result<(), E> {
    Err(error.clone())
}

#[obs::observed]
fn of_a_bounded_parameter<E: obs::ErrorLabel + Clone>(error: &E) -> Result<(), E> {
    Err(error.clone())
}

#[obs::observed]
fn dynamic() -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>> {
    Ok(())
}

#[obs::observed]
fn a_function_pointer() -> Result<fn(&str) -> &str, LoadError> {
    Ok(|s| s)
}

fn main() {
    drop((written_out(""), by_an_alias(), by_a_bare_alias(), with_a_lifetime(""), in_a_box("")));
    drop((in_an_opaque_future(), of_a_parameter(&1), of_a_bounded_parameter(&LoadError::Missing)));
    drop((dynamic(), a_function_pointer()));
}
