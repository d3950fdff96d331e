obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total();

    /// Orders taken.
    counter shop_orders_total(gift: bool);
}

fn main() {
    shop_orders_total().inc();
}
