obs::metrics! {
    registry SHOP;

    /// Which build runs.
    info shop_build { version: "1" };

    /// Customers inside.
    gauge shop_customers_info();
}

fn main() {
    shop_customers_info().inc();
}
