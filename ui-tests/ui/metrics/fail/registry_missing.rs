obs::metrics! {
    prefix = "shop";

    /// Orders taken.
    counter shop_orders_total();
}

fn main() {
    shop_orders_total().inc();
}
