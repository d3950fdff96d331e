obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter<u64> shop_orders_total();

    /// Customers inside.
    gauge<u32> shop_customers();

    /// Seconds to the till.
    histogram<f64> shop_wait_seconds() { buckets = [1.0] }
}

fn main() {
    shop_orders_total().inc();
    shop_customers().inc();
    shop_wait_seconds().observe(1.0);
}
