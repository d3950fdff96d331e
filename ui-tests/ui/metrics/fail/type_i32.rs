obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: i32);
}

fn main() {
    shop_orders_total(5).inc();
}
