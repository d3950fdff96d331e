#[derive(Clone, Copy)]
struct Uuid(u128);

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Uuid);
}

fn main() {
    shop_orders_total(Uuid(5)).inc();
}
