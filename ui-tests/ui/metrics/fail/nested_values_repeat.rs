#[derive(obs::Label, Clone, Copy)]
enum Store {
    Disk,
    Cloud,
}

#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    Cloud,
    #[label(nested)]
    Stored(Store),
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: Source);
}

fn main() {
    shop_orders_total(Source::Upload).inc();
    shop_orders_total(Source::Cloud).inc();
    shop_orders_total(Source::Stored(Store::Disk)).inc();
    shop_orders_total(Source::Stored(Store::Cloud)).inc();
}
