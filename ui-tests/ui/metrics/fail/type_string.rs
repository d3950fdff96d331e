obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift: bool, tenant: String);
}

fn main() {
    shop_orders_total(true, "a".to_owned()).inc();
}
