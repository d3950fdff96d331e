//! What a library crate declares is collected by every binary that names it.

use obs::{Format, Obs};
// Nothing of it is called.
use obs_test_billing as _;

#[test]
fn the_metrics_and_calls_of_a_crate_that_is_only_named_are_on_the_first_scrape_at_zero() {
    let setup = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap();
    let page = setup.detached().unwrap().scrape(Format::Text);
    for line in [
        r#"billing_invoices_total{reminder="false"} 0"#,
        r#"billing_invoices_total{reminder="true"} 0"#,
        r#"operation_calls_total{operation="send",outcome="ok"} 0"#,
    ] {
        assert!(
            page.lines().any(|it| it == line),
            "{line} is not in\n{page}"
        );
    }
}
