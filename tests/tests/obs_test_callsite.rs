//! `tracing` keeps for each callsite whether anybody wants it; that must not depend on who came first.
//!
//! The only test of its process: another test's subscriber would hide what is tested here.

use obs::TestObs;

fn hits() {
    let _span = tracing::info_span!("hit").entered();
    tracing::info!("hit by whoever comes first");
}

#[test]
fn a_callsite_first_hit_on_a_thread_without_a_test_is_not_off_for_good() {
    let t = TestObs::start(obs::service!(), "alone", &[]);
    std::thread::spawn(hits).join().unwrap();
    t.run_sync(hits);
    t.logs().assert_one("hit by whoever comes first");
    t.span("hit");
}
