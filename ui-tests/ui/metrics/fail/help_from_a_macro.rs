obs::metrics! {
    registry SHOP;

    #[doc = concat!("Orders", " taken.")]
    counter shop_orders_total();
}

fn main() {
    shop_orders_total().inc();
}
