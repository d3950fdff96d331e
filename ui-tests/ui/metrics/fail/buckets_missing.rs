obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds(gift: bool);
}

fn main() {
    shop_wait_seconds(true).observe(1.0);
}
