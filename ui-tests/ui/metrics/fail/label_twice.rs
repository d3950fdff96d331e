obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift: bool, gift: bool);

    /// Which build runs.
    info shop_build_info { version: "1", version: "2" };
}

fn main() {}
