use std::borrow::Cow;

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(tenant: Cow<'static, str>);
}

fn main() {
    shop_orders_total("a".into()).inc();
}
