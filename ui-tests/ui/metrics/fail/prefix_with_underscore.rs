obs::metrics! {
    registry SHOP;
    prefix = "shop_";

    /// Orders taken.
    counter shop_orders_total();
}

fn main() {
    shop_orders_total().inc();
}
