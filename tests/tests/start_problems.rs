//! A start that must be refused: all problems in one error, each with its place and a fix.

use std::sync::atomic::AtomicU64;

use obs::{Descriptor, Kind, Metric, Number};
use obs::{Obs, ProblemKind, StartError};

mod billing {
    obs::metrics! {
        pub(super) registry BILLING;

        /// Invoices sent.
        counter invoices_total();

        /// Seconds an invoice takes.
        histogram invoice_seconds() { buckets = [0.1, 1.0] };
    }
}

mod orders {
    obs::metrics! {
        pub(super) registry ORDERS;

        /// Invoices sent, once more.
        counter invoices_total();

        /// Has the name of what obs brings.
        gauge obs_series();

        /// Has the name of a part of the family that obs brings under a prefix.
        counter shop_http_requests_total();
    }
}

static CELLS: [AtomicU64; 1] = [AtomicU64::new(0)];

static UNCOLLECTED: Metric = Metric::new(
    Descriptor::new(
        "lost_total",
        Kind::Counter,
        Number::Integer,
        "Lost.",
        "src/lost.rs",
        7,
    ),
    &CELLS,
);

fn refused(setup: obs::Setup) -> StartError {
    setup.detached().expect_err("must not start")
}

fn setup() -> obs::Setup {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")]).unwrap()
}

#[test]
fn every_problem_is_in_one_error_and_names_both_places() {
    // Used somewhere, like any metric.
    billing::invoices_total().inc();
    billing::invoice_seconds().observe(0.2);
    orders::invoices_total().inc();
    orders::obs_series().set(1);
    orders::shop_http_requests_total().inc();
    obs::__private::counter(&UNCOLLECTED, 0).inc();

    let error = refused(
        setup()
            .metric_prefix("shop")
            .max_routes(0)
            .facade_cap(usize::MAX),
    );
    let kinds: Vec<_> = error
        .problems()
        .iter()
        .map(obs::StartProblem::kind)
        .collect();
    assert_eq!(
        kinds,
        [
            ProblemKind::DuplicateMetric,
            ProblemKind::OwnName,
            ProblemKind::OwnName,
            ProblemKind::UncollectedRegistry,
            ProblemKind::InvalidOption,
            ProblemKind::InvalidOption,
        ],
        "{error}"
    );
    let text = error.to_string();
    let file = file!().replace('\\', "/");
    for expected in [
        "obs could not start, because of 6 problems\n\nmetric `invoices_total` is declared twice\n",
        &format!("at {file}:13 (registry BILLING)\n"),
        &format!("at {file}:25 (registry ORDERS)\n"),
        "metric `obs_series` has a name that obs brings itself",
        "metric `shop_http_requests_total` has a name that obs brings itself",
        "a metric was recorded, but no registry that obs knows holds it\n  at src/lost.rs:7 (`lost_total`)",
        "`.max_routes(0)` is out of range",
        "fix: choose between 1 and 10,000",
    ] {
        assert!(
            text.replace('\\', "/").contains(expected),
            "{expected}\n---\n{text}"
        );
    }
    assert_eq!(text.matches("\n  why: ").count(), 6, "{text}");
    assert_eq!(text.matches("\n  fix: ").count(), 6, "{text}");

    // Nothing is left behind: the same process may try again, and a failed install installs nothing.
    let again = setup().install().expect_err("must not start");
    assert!(
        again
            .problems()
            .iter()
            .all(|p| p.kind() != ProblemKind::AlreadyInstalled),
        "{again}"
    );
    let families = obs::catalog::gather();
    assert!(
        families
            .iter()
            .all(|family| family.name != "obs_build_info")
    );
}

#[test]
fn a_prefix_must_be_able_to_begin_a_name() {
    for prefix in ["", "9x", "a-b", "a_", "_a", "a b", "ü"] {
        let error = refused(setup().metric_prefix(prefix));
        let found = error.problems().iter().any(|problem| {
            problem.kind() == ProblemKind::InvalidOption
                && problem.what().contains(".metric_prefix")
        });
        assert!(found, "{prefix}: {error}");
    }
}
