obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders();
}

fn main() {
    shop_orders().inc();
}
