obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: &'static str);
}

fn main() {
    shop_orders_total("a").inc();
}
