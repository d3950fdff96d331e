obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1, 5, 10] }
}

fn main() {
    shop_wait_seconds().observe(1.0);
}
