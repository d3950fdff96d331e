obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop-orders-total();

    /// Customers inside.
    gauge shop.customers();

    /// Tills open.
    gauge "shop tills"();

    /// Orders of this year.
    counter 2026_orders_total();
}

fn main() {}
