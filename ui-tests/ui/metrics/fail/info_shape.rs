obs::metrics! {
    registry SHOP;

    /// Which build runs.
    info shop_build_info(version: "1");

    /// Where.
    pub info shop_place_info { city };

    /// Why.
    #[deprecated]
    pub(crate) info shop_reason_info {};
}

fn main() {}
