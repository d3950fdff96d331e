obs::metrics! {
    registry SHOP;
    prefix: "shop";
    max_series: 3;

    /// Orders taken.
    counter shop_orders_total();
}

obs::metrics! {
    registry BAR;
    prefix;
    max_series 3;

    /// Orders taken.
    counter bar_orders_total();
}

fn main() {
    shop_orders_total().inc();
    bar_orders_total().inc();
}
