obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total_total();
}

fn main() {
    shop_orders_total_total().inc();
}
