obs::metrics! {
    registry SHOP;

    counter shop_orders_total();

    ///
    gauge shop_customers();
}

fn main() {
    shop_orders_total().inc();
    shop_customers().inc();
}
