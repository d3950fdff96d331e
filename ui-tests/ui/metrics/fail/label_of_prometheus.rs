obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(le: bool, quantile: bool, job: bool, instance: bool, __name__: bool);
}

fn main() {
    shop_orders_total(true, true, true, true, true).inc();
}
