const PREFIX: &str = "shop";

obs::metrics! {
    registry SHOP;
    prefix = PREFIX;
}

fn main() {}
