obs::metrics! {
    registry SHOP;
    max_series = "many";
}

fn main() {}
