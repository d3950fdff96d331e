obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total();

    /// Orders that wait.
    gauge shop_orders();

    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1.0] }

    /// How often somebody waited.
    gauge shop_wait_seconds_count() { unchecked_name = "an old dashboard" }
}

fn main() {
    shop_orders_total().inc();
    shop_orders().inc();
    shop_wait_seconds().observe(1.0);
    shop_wait_seconds_count().inc();
}
