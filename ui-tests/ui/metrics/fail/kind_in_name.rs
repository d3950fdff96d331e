obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_counter_total();

    /// Customers inside.
    gauge shop_customers_gauge();

    /// Seconds to the till.
    histogram shop_wait_seconds_histogram() { buckets = [1.0] }
}

fn main() {
    shop_orders_counter_total().inc();
    shop_customers_gauge().inc();
    shop_wait_seconds_histogram().observe(1.0);
}
