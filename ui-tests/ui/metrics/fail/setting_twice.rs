obs::metrics! {
    registry SHOP;
    prefix = "shop";
    prefix = "till";
    max_series = 10;
    max_series = 20;
}

fn main() {}
