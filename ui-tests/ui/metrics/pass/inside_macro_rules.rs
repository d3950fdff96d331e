#![deny(warnings)]
//! A block made by a macro of the user's.

macro_rules! shop {
    ($registry:ident, $max:expr, $prefix:literal, $doc:literal, $orders:ident($label:ident: $ty:ty), $wait:ident $buckets:expr, $version:expr) => {
        obs::metrics! {
            registry $registry;
            prefix = $prefix;
            max_series = $max;

            #[doc = $doc]
            counter $orders($label: $ty);

            /// Seconds to the till.
            histogram $wait() { buckets = $buckets, slo = { at: 1.0, target: 99.0 }, max_series = $max }

            /// Which build runs.
            info shop_build_info { version: $version };
        }
    };
}

shop!(SHOP, 10 + 10, "shop", "Orders taken.", shop_orders_total(gift: Option<bool>), shop_wait_seconds [0.5, 1.0], env!("CARGO_PKG_NAME"));

fn main() {
    shop_orders_total(None).inc();
    shop_wait_seconds().observe(1.0);
    assert_eq!(SHOP.metrics()[0].descriptor().help, "Orders taken.");
}
