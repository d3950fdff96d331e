#[derive(obs::Label, Clone, Copy)]
enum Tenant {
    Free,
}

obs::metrics! {
    registry SHOP;
    max_series = 20_000;

    /// Orders taken.
    counter shop_orders_total(
        user_id: Tenant,
        request_id: Tenant,
        trace_id: Tenant,
        email: Tenant,
        url: Tenant,
        client_ip: Tenant,
    );
}

fn main() {
    use Tenant::Free;
    shop_orders_total(Free, Free, Free, Free, Free, Free).inc();
}
