obs::metrics! {
    registry SHOP;

    /// Time to the till.
    summary shop_wait_seconds();

    "orders";
}

fn main() {}
