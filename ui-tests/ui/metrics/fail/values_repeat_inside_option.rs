obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift: Option<Option<bool>>);
}

fn main() {
    shop_orders_total(None).inc();
}
