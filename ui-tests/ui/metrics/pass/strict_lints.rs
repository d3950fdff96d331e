#![forbid(unsafe_code, missing_docs, unused)]
#![deny(
    warnings,
    unused_qualifications,
    rust_2018_idioms,
    rust_2024_compatibility,
    single_use_lifetimes,
    let_underscore_drop,
    unreachable_pub,
    missing_debug_implementations,
    variant_size_differences,
    unused_results,
    unused_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    missing_copy_implementations,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    unit_bindings,
    unused_import_braces
)]
//! What the macros write passes lints that nobody may switch off.

/// What a customer pays.
#[derive(obs::Label, Clone, Copy, Debug)]
pub enum Plan {
    /// Nothing.
    Free,
    /// Once or twice.
    #[label(nested)]
    Paid(bool),
}

/// What a customer says.
#[derive(obs::Label, Clone, Copy, Debug)]
pub enum Word {
    /// Thanks.
    Thanks,
    /// Anything else.
    #[label(other)]
    Other,
}

/// What may go wrong.
#[derive(obs::ErrorLabel, Debug)]
pub enum Failure {
    /// Too late.
    Late,
    /// With a reason.
    #[label(ignore)]
    Text(String),
}

obs::metrics! {
    pub registry SHOP;

    /// Orders taken.
    counter shop_orders_total(plan: Plan, word: Word);
    /// Seconds that tills were open.
    counter<f64> shop_open_seconds_total();
    /// Customers inside.
    gauge shop_customers();
    /// Which build runs.
    info shop_build_info { version: "1" };
    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1.0], slo = { at: 1.0, target: 99.0 } }
}

fn main() {
    shop_orders_total(Plan::Free, Word::from_str_or_other("thanks")).inc();
    shop_orders_total(Plan::Paid(true), Word::Thanks).inc();
    shop_open_seconds_total().add(1.0);
    shop_customers().inc();
    shop_wait_seconds().observe(1.0);
    for failure in [Failure::Late, Failure::Text("why".to_owned())] {
        assert!(obs::ErrorLabel::index(&failure) < 2);
    }
}
