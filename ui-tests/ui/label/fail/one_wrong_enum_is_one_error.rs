#[derive(obs::Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(value = "naïve")]
    Guess,
    #[label(other)]
    Unknown,
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: Source);

    /// Orders that wait.
    gauge shop_open_orders(source: Source);

    /// Orders returned.
    counter shop_returns_total(source: Source, again: Option<Source>);
}

fn main() {
    shop_orders_total(Source::from_str_or_other("upload")).inc();
    shop_open_orders(Source::Guess).set(1);
    shop_returns_total(Source::Upload, Some(Source::Unknown)).inc();
}
