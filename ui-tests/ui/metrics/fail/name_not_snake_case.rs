obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shopOrders_total();

    /// Customers inside.
    gauge __shop_customers();

    /// Tills open.
    gauge shop__tills();

    /// Bread baked.
    counter brötchen_total();
}

fn main() {
    shopOrders_total().inc();
    __shop_customers().inc();
    shop__tills().inc();
    brötchen_total().inc();
}
