obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter "shop_orders_total"(paid: bool);
}

fn main() {
    shop_orders_total(true).inc();
}
