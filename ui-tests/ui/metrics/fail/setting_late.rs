obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total();

    prefix = "shop";
    max_series = 3;
}

fn main() {
    shop_orders_total().inc();
}
