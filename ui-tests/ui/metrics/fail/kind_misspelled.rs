obs::metrics! {
    registry SHOP;

    /// Orders taken.
    conter shop_orders_total();

    /// Customers inside.
    guage shop_customers();

    prefx = "shop";
}

fn main() {}
