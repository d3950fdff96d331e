#![deny(warnings)]
//! A registry to which metrics are added later.

obs::metrics! {
    registry SHOP;
    max_series = 0;
}

fn main() {
    assert!(SHOP.metrics().is_empty());
}
