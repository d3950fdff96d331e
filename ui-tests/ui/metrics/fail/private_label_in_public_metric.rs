#![deny(warnings)]

#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
}

obs::metrics! {
    pub registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: Source);
}

fn main() {
    shop_orders_total(Source::Upload).inc();
}
