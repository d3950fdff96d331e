#![deny(warnings, unreachable_pub)]
//! Each metric may be as private as its labels.

mod shop {
    #[derive(obs::Label, Clone, Copy)]
    enum Private {
        Only,
    }

    #[derive(obs::Label, Clone, Copy)]
    pub(crate) enum Shared {
        Only,
    }

    obs::metrics! {
        pub(crate) registry SHOP;

        /// Orders taken.
        counter shop_orders_total(shared: Shared);

        /// Orders lost.
        pub(self) counter shop_lost_total(private: Private);

        /// Orders found.
        pub(in crate::shop) gauge shop_found(private: Private);
    }

    pub(crate) fn lose() {
        shop_lost_total(Private::Only).inc();
        shop_found(Private::Only).inc();
    }
}

fn main() {
    shop::shop_orders_total(shop::Shared::Only).inc();
    shop::lose();
    assert_eq!(shop::SHOP.metrics().len(), 3);
}
