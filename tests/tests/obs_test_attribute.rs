//! What `#[obs::test]` writes compiles under strict lints and beside names that could be mistaken.
#![deny(
    warnings,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    unused_qualifications
)]
#![forbid(unsafe_code)]

use obs::TestObs;

#[obs::test]
async fn returns_nothing(t: TestObs) {
    assert!(t.logs().is_empty());
}

#[obs::test]
async fn returns_a_result(t: TestObs) -> Result<(), std::num::ParseIntError> {
    let n: u32 = "7".parse()?;
    tracing::info!(n, "parsed");
    t.logs().assert_one("parsed").field("n", 7);
    Ok(())
}

#[obs::test]
fn plain_returns_a_result(t: TestObs) -> Result<(), Box<dyn std::error::Error>> {
    let n: u32 = "7".parse()?;
    assert!(t.logs().is_empty(), "{n}");
    Ok(())
}

#[obs::test]
async fn needs_no_send(t: TestObs) {
    let local = std::rc::Rc::new(7);
    tokio::task::yield_now().await;
    drop((t, local));
}

#[obs::test]
#[should_panic(expected = "on purpose")]
async fn may_panic(_: TestObs) {
    panic!("on purpose");
}

#[obs::test]
#[ignore = "it would fail"]
async fn may_be_ignored(_t: TestObs) {
    panic!("nobody asked for this one");
}

#[obs::test(env = "staging")]
async fn r#type(mut t: TestObs) {
    assert_eq!(t.obs().environment().name(), "staging");
    t = t.clone();
    assert_eq!(t.obs().service().name(), "obs-tests");
}

#[obs::test(vars("RUST_LOG" = LEVEL), crate = ::obs)]
fn a_value_may_be_a_constant(t: TestObs) {
    tracing::trace!("seen");
    t.logs().assert_one("seen");
}

const LEVEL: &str = "trace";

mod obs_test_attribute {
    // What the attribute writes must not depend on any of these.
    #![no_implicit_prelude]

    mod core {}
    mod std {}
    mod tokio {}
    mod test {}

    #[::obs::test(flavor = "current_thread", start_paused = true)]
    async fn names_are_absolute(t: ::obs::TestObs) {
        ::std::assert!(t.logs().is_empty());
    }
}
