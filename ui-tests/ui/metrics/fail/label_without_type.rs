obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift, paid:, "late": bool);
}

fn main() {}
