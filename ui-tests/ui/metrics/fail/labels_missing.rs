obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total;

    /// Seconds to the till.
    histogram shop_wait_seconds { buckets = [1.0] }
}

fn main() {
    shop_orders_total().inc();
    shop_wait_seconds().observe(1.0);
}
