obs::metrics! {
    registry SHOP;

    /// Customers inside.
    gauge shop_customers_total();

    /// Seconds to the till.
    histogram shop_wait_seconds_total() { buckets = [1.0] }
}

fn main() {
    shop_customers_total().inc();
    shop_wait_seconds_total().observe(1.0);
}
