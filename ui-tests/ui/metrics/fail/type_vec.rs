obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Vec<bool>);
}

fn main() {
    shop_orders_total(vec![true]).inc();
}
