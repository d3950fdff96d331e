obs::metrics! {
    registry SHOP;

    /// Orders taken.
}

fn main() {}
