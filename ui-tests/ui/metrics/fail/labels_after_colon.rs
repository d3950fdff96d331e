obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total: bool;

    /// Tills open.
    gauge shop_tills: broken: bool, shut: bool;
}

fn main() {}
