//! A metric that two crates declare is an error at start, which names both places.

use obs::Obs;
use obs_test_billing as _;

obs::metrics! {
    registry SHOP;

    /// Invoices sent, declared once more.
    counter billing_invoices_total();
}

#[test]
fn a_metric_of_two_crates_is_refused_at_start_with_both_places() {
    billing_invoices_total().inc();
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let error = setup.detached().unwrap_err().to_string();
    assert!(error.contains("billing_invoices_total"), "{error}");
    assert!(error.contains("tests/billing/src/lib.rs:7"), "{error}");
    assert!(
        error.contains("tests/tests/registration_twice.rs:10"),
        "{error}"
    );
}
