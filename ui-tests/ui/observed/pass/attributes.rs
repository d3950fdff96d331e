#![deny(warnings)]

#[obs::observed]
#[inline]
#[must_use]
#[doc(hidden)]
#[cfg(not(any()))]
#[allow(clippy::needless_return)]
pub fn above() -> u8 {
    return 1;
}

#[inline]
#[must_use]
#[cfg_attr(all(), doc = "Is documented.")]
#[obs::observed]
pub fn below() -> u8 {
    2
}

#[cfg(any())]
#[obs::observed(nonsense)]
fn not_there() {}

#[deprecated = "use another"]
#[obs::observed]
pub fn old() {}

#[obs::observed]
fn with_inner_attributes() -> u8 {
    #![allow(unused_variables)]
    let unused = 1;
    3
}

#[obs::observed]
#[expect(unused_variables)]
fn with_expectations(unused: u8) {}

#[obs::observed]
fn attributes_on_parameters(#[allow(unused_variables)] a: u8, #[cfg(any())] b: u8) {}

#[tracing::instrument]
#[obs::observed]
async fn instrumented_above(n: u8) -> Result<u8, String> {
    Ok(n)
}

#[obs::observed]
#[tracing::instrument(skip_all, ret)]
async fn instrumented_below(n: u8) -> Result<u8, String> {
    Ok(n)
}

#[obs::observed]
#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!((above(), below(), with_inner_attributes()), (1, 2, 3));
    with_expectations(1);
    attributes_on_parameters(1);
    instrumented_above(1).await.unwrap();
    instrumented_below(1).await.unwrap();
}
