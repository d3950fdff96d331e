obs::metrics! {
    registry SHOP;

    /// Which build runs.
    info shop_build_info { version: "1\n2" };
}

fn main() {}
