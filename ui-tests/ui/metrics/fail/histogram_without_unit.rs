obs::metrics! {
    registry SHOP;

    /// Time to the till.
    histogram shop_wait_duration() { buckets = [1.0] }
}

fn main() {
    shop_wait_duration().observe(1.0);
}
