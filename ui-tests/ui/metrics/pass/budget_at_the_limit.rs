#![deny(warnings)]
//! Budgets are met exactly: 2 x (2 + 3) + 3 = 13 series.

obs::metrics! {
    registry SHOP;
    max_series = 13;

    /// Seconds to the till.
    histogram shop_wait_seconds(gift: bool) { buckets = [0.1, 1.0], max_series = 10 }

    /// Orders taken.
    counter shop_orders_total(gift: Option<bool>) { max_series = 3 }
}

fn main() {
    let sum: usize = SHOP.metrics().iter().map(|metric| metric.descriptor().series()).sum();
    assert_eq!(sum, SHOP.max_series());
    shop_wait_seconds(true).observe(1.0);
    shop_orders_total(None).inc();
}
