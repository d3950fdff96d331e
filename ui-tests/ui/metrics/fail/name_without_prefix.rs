obs::metrics! {
    registry SHOP;
    prefix = "shop";

    /// Orders taken.
    counter orders_total();

    /// Shoppers.
    gauge shoppers();
}

fn main() {
    orders_total().inc();
    shoppers().inc();
}
