obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: impl obs::Label, gift: Option<impl obs::Label>);
}

fn main() {}
