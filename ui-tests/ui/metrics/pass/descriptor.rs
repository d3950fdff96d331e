#![deny(warnings)]
//! What the block says arrives as data.

use obs::{Kind, Number};

obs::metrics! {
    registry SHOP;
    prefix = "shop";

    /// Seconds that tills
    /// were open.
    ///
    /// Not at night.
    counter<f64> shop_open_seconds_total(gift: bool);

    /// Which build runs.
    info shop_build_info { version: "1.2", r#type: concat!("de", "bug") };

    /// Rows of a bill.
    histogram shop_bill_rows() { buckets = [1.0], slo = { at: 1.0, target: 90.0 }, max_series = 4 }
}

fn main() {
    let [open, build, bill] = SHOP.metrics() else { unreachable!() };
    let open = open.descriptor();
    assert_eq!(open.name, "shop_open_seconds_total");
    assert_eq!(open.help, "Seconds that tills were open.\nNot at night.");
    assert_eq!((open.kind, open.number, open.unit), (Kind::Counter, Number::Float, Some("seconds")));
    assert!(open.file.ends_with("descriptor.rs"), "{}", open.file);
    assert_eq!(open.line, 14);
    assert_eq!(build.descriptor().labels[1].name, "type");
    assert_eq!(build.descriptor().labels[1].values, ["debug"]);
    assert_eq!(bill.descriptor().slo.unwrap().at, 1.0);
    assert_eq!(bill.descriptor().max_series, Some(4));
    assert_eq!(bill.descriptor().unit, None);
    assert_eq!((SHOP.name(), SHOP.prefix(), SHOP.max_series(), SHOP.line()), ("SHOP", Some("shop"), 1000, 7));
    shop_open_seconds_total(true).add(1.0);
    shop_bill_rows().observe(1.0);
}
