obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total() { buckets = [1.0] }

    /// Customers inside.
    gauge shop_customers() { slo = { at: 1.0, target: 99.0 } }
}

fn main() {
    shop_orders_total().inc();
    shop_customers().inc();
}
