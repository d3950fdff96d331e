obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: u64);
}

fn main() {
    shop_orders_total(5).inc();
}
