#[derive(Clone, Copy)]
enum Tenant {
    Free,
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Tenant);
}

fn main() {
    shop_orders_total(Tenant::Free).inc();
}
