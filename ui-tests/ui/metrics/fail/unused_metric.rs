#![deny(dead_code)]

mod shop {
    obs::metrics! {
        pub(crate) registry SHOP;

        /// Orders taken.
        counter shop_orders_total(gift: bool);

        /// Customers inside.
        gauge shop_customers();
    }
}

fn main() {
    shop::shop_customers().inc();
}
