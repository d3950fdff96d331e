obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total() -> Counter;

    /// Customers inside.
    gauge shop_customers();
}

fn main() {
    shop_orders_total().inc();
    shop_customers().inc();
}
