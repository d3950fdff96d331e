obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(type: bool);
}

fn main() {}
