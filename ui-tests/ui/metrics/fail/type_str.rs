obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: &str);
}

fn main() {
    shop_orders_total("a").inc();
}
