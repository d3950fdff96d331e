#![deny(unused_must_use)]

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift: bool);
}

fn main() {
    shop_orders_total(true);
}
