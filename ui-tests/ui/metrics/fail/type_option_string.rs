obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Option<String>);
}

fn main() {
    shop_orders_total(None).inc();
}
