#![deny(warnings, missing_docs, unreachable_pub)]
//! Every kind of metric, with everything that can be said about it.

use std::time::Duration;

/// Where a file came from.
#[derive(obs::Label, Clone, Copy, Debug)]
pub enum Source {
    /// The browser.
    Upload,
    /// Another service.
    #[label(value = "s3")]
    ObjectStore,
}

mod shop {
    use super::Source;

    const BOUNDS: &[f64] = &[0.1, 0.5, 1.0];

    obs::metrics! {
        pub(crate) registry SHOP;
        prefix = "shop";
        max_series = 20 + 30;

        /// Orders taken.
        ///
        /// Returned ones included.
        counter shop_orders_total(source: Source, gift: bool);

        /// Seconds that tills were open.
        counter<f64> shop_open_seconds_total();

        /// Customers inside.
        gauge shop_customers();

        /// Share of tills that are open.
        gauge<f64> shop_tills_ratio(source: Source,);

        /// Which build runs.
        info shop_build_info { version: env!("CARGO_PKG_VERSION"), r#type: "debug" };

        /// Seconds from the door to the till.
        histogram shop_wait_seconds(source: Source) {
            buckets = BOUNDS,
            slo = { at: 0.5, target: 99.0 },
            max_series = 12,
        }

        /// Rows of a bill.
        histogram shop_bill_rows() { buckets = [1.0, 10.0, 100.0] };
    }
}

fn main() {
    shop::shop_orders_total(Source::Upload, true).inc();
    shop::shop_orders_total(Source::ObjectStore, false).add(2);
    shop::shop_open_seconds_total().add(1.5);
    shop::shop_customers().set(3);
    shop::shop_tills_ratio(Source::Upload).set(0.5);
    shop::shop_wait_seconds(Source::Upload).observe(Duration::from_millis(3));
    shop::shop_bill_rows().observe(3.0);
    assert_eq!(shop::SHOP.metrics().len(), 7);
}
