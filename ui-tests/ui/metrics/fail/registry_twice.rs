obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total();

    registry TILL;
}

fn main() {
    shop_orders_total().inc();
}
