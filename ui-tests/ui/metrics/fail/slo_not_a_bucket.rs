obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds() {
        buckets = [0.1, 0.5, 1.0],
        slo = { at: 0.75, target: 99.0 },
    }
}

fn main() {
    shop_wait_seconds().observe(1.0);
}
