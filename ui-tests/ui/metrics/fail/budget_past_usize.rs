struct Wide;

impl obs::Label for Wide {
    const VALUES: &'static [&'static str] = &{
        let mut values = ["x"; 4097];
        values[0] = "y";
        values
    };
    fn index(self) -> usize {
        0
    }
}

obs::metrics! {
    registry SHOP;
    max_series = usize::MAX - 1;

    /// Orders taken.
    counter shop_orders_total(a: Wide, b: Wide, c: Wide, d: Wide, e: Wide, f: Wide);
}

fn main() {}
