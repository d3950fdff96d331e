#![deny(warnings)]

use obs::{ErrorLabel, Label};

#[derive(Label, Clone, Copy)]
enum Store {
    Disk,
    Cloud,
}

#[derive(Label, Clone, Copy)]
enum Source {
    Upload,
    #[label(nested)]
    Stored(Store),
    #[label(nested)]
    Paid { twice: bool },
    Webhook,
}

#[derive(ErrorLabel)]
enum EngineError {
    #[label(nested)]
    Store(Store),
    #[label(ignore)]
    Query { text: String },
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(source: Source);
}

fn main() {
    let all = ["upload", "disk", "cloud", "false", "true", "webhook"];
    assert_eq!(<Source as Label>::VALUES, all);
    assert_eq!(Label::index(Source::Upload), 0);
    assert_eq!(Label::index(Source::Stored(Store::Cloud)), 2);
    assert_eq!(Label::index(Source::Paid { twice: true }), 4);
    assert_eq!(ErrorLabel::index(&Source::Webhook), 5);
    assert_eq!(EngineError::VALUES, ["disk", "cloud", "query"]);
    let query = EngineError::Query { text: "SELECT".to_owned() };
    assert_eq!(query.index(), 2);
    if let EngineError::Query { text } = query {
        assert_eq!(text, "SELECT");
    }
    assert_eq!(EngineError::Store(Store::Disk).index(), 0);
    shop_orders_total(Source::Stored(Store::Disk)).inc();
}
