obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1.0], slo = { at: 1.0, target: 0.99 } }
}

fn main() {
    shop_wait_seconds().observe(1.0);
}
