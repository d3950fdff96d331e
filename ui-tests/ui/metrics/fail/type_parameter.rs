fn count<T>(value: T) {
    obs::metrics! {
        registry SHOP;

        /// Orders taken.
        counter shop_orders_total(source: T);
    }
    shop_orders_total(value).inc();
}

fn main() {
    count(true);
}
