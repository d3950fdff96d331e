obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds() { bucket = [1.0], buckets = [1.0], buckets = [2.0], unit = "s" }
}

fn main() {
    shop_wait_seconds().observe(1.0);
}
