obs::metrics! {
    registry SHOP
    prefix = "shop"

    /// Orders taken.
    counter shop_orders_total()

    /// Customers inside.
    gauge shop_customers();
}

fn main() {
    shop_orders_total().inc();
    shop_customers().inc();
}
