#![deny(warnings)]
//! A label written by hand can mislabel, and nothing worse.

struct Wrong;

impl obs::Label for Wrong {
    const VALUES: &'static [&'static str] = &["a", "b"];

    fn index(self) -> usize {
        999
    }
}

struct Forged;

impl obs::__private::DerivedLabel for Forged {
    const VALUES: &'static [&'static str] = &["x", "y", "z"];

    fn index(self) -> usize {
        usize::MAX
    }
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(wrong: Wrong, forged: Forged);
}

fn main() {
    shop_orders_total(Wrong, Forged).inc();
    assert_eq!(shop_orders_total(Wrong, Forged).get(), 1);
}
