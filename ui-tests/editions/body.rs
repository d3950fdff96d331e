// Included by a crate of each older edition; everything else is of the newest.

#[derive(obs::Label, Clone, Copy)]
enum Plan {
    Free,
    #[label(nested)]
    Paid(bool),
    #[label(value = "Gold!")]
    Gold,
}

#[derive(obs::Label, Clone, Copy)]
enum Word {
    Thanks,
    #[label(other)]
    Else,
}

#[derive(obs::ErrorLabel)]
enum Failure {
    #[label(nested)]
    Plan(Plan),
    #[label(ignore)]
    Text(String),
}

obs::metrics! {
    registry SHOP;
    prefix = "shop";
    max_series = 100;

    /// Orders taken.
    counter shop_orders_total(plan: Plan, word: Word);

    /// Seconds that tills were open.
    counter<f64> shop_open_seconds_total();

    /// Customers inside.
    gauge shop_customers(r#type: Option<bool>);

    /// Tills that are open.
    gauge<f64> shop_tills_ratio();

    /// Which build runs.
    info shop_build_info { version: env!("CARGO_PKG_VERSION") };

    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [0.5, 1.0], slo = { at: 1.0, target: 99.0 } }
}

macro_rules! another {
    ($registry:ident, $name:ident($label:ident: $ty:ty)) => {
        obs::metrics! {
            registry $registry;

            /// Orders returned.
            counter $name($label: $ty);
        }
    };
}
another!(RETURNS, shop_returns_total(plan: Plan));

#[test]
fn every_macro_works_in_this_edition() {
    shop_orders_total(Plan::Paid(true), Word::from_str_or_other("thanks")).inc();
    shop_orders_total(Plan::Free, Word::Thanks).inc();
    shop_open_seconds_total().add(0.5);
    shop_customers(Some(true)).inc();
    shop_tills_ratio().set(0.5);
    shop_wait_seconds().observe(0.7);
    shop_returns_total(Plan::Gold).inc();
    assert_eq!(SHOP.metrics().len(), 6);
    assert_eq!(shop_orders_total(Plan::Paid(true), Word::Else).get(), 0);
    let failure = Failure::Text("why".to_owned());
    assert_eq!(obs::ErrorLabel::index(&failure), 4);
    assert!(matches!(failure, Failure::Text(why) if why == "why"));
    assert_eq!(obs::ErrorLabel::index(&Failure::Plan(Plan::Free)), 0);
}
