obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter (gift: bool);
}

fn main() {}
