obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total();
}

obs::metrics! {
    registry TILL;

    /// Orders taken.
    counter shop_orders_total();
}

fn main() {
    shop_orders_total().inc();
}
