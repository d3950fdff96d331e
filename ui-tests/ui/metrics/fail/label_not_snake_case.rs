obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(isGift: bool, _paid: bool, a__b: bool);
}

fn main() {
    shop_orders_total(true, true, true).inc();
}
