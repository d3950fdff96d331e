obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total<L>(source: L);
}

fn main() {}
