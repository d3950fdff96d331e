#![no_implicit_prelude]
#![deny(warnings)]

#[derive(::obs::Label, ::core::clone::Clone, ::core::marker::Copy)]
enum Plan {
    Free,
}

::obs::metrics! {
    registry SHOP;
    prefix = "shop";
    max_series = 100;

    /// Orders taken.
    counter shop_orders_total(plan: Plan);
    /// Seconds that tills were open.
    counter<f64> shop_open_seconds_total();
    /// Customers inside.
    gauge shop_customers(gift: bool);
    /// Tills that are open.
    gauge<f64> shop_tills_ratio();
    /// Which build runs.
    info shop_build_info { version: "1" };
    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1.0], slo = { at: 1.0, target: 99.0 }, max_series = 4 }
}

fn main() {
    shop_orders_total(Plan::Free).inc();
    shop_open_seconds_total().add(1.0);
    shop_customers(true).inc();
    shop_tills_ratio().set(1.0);
    shop_wait_seconds().observe(1.0);
}
