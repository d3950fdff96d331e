obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds() { buckets = [1.0], slo = { at: 1.0 } }

    /// Seconds to the door.
    histogram shop_walk_seconds() { buckets = [1.0], slo = 1.0 }

    /// Seconds to the car.
    histogram shop_carry_seconds() { buckets = [1.0], slo = { at = 1.0, target: 99.0 } }
}

fn main() {
    shop_wait_seconds().observe(1.0);
    shop_walk_seconds().observe(1.0);
    shop_carry_seconds().observe(1.0);
}
