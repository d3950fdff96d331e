macro_rules! declare {
    ($registry:ident, $name:ident, $label:ident: $ty:ty) => {
        obs::metrics! {
            registry $registry;

            /// Orders taken.
            counter $name($label: $ty);
        }
    };
}

declare!(SHOP, shop_orders_total, tenant: String);

fn main() {
    shop_orders_total("a".to_owned()).inc();
}
