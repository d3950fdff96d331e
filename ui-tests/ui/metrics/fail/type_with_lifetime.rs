obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: &'a str);
}

fn main() {}
