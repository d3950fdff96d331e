#[derive(obs::Label)]
enum Source {
    Upload,
    Webhook,
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: Source);
}

fn main() {
    shop_orders_total(Source::Upload).inc();
    shop_orders_total(Source::Webhook).inc();
}
