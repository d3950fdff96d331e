obs::metrics! {
    /// Orders taken.
    counter shop_orders_total();

    registry SHOP;
}

fn main() {
    shop_orders_total().inc();
}
