obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: (bool, bool));
}

fn main() {
    shop_orders_total((true, false)).inc();
}
