type Tenant = String;

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Tenant);
}

fn main() {
    shop_orders_total(Tenant::new()).inc();
}
