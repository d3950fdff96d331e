obs::metrics! {
    /// Orders taken.
    counter shop_orders();

    gauge shop_customers();
}

fn main() {
    shop_orders().inc();
    shop_customers().inc();
}
