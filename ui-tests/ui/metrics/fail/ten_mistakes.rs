obs::metrics! {
    registry SHOP;
    prefix = "shop";

    counter shop_orders_total();

    /// Customers inside.
    gauge shop_customers_total();

    /// Time to the till.
    histogram shop_wait_ms(user_id: bool) { buckets = [1.0] }

    /// Time to the door.
    histogram shop_walk_seconds(le: bool);

    /// Orders returned.
    counter returns_total();

    /// Orders lost.
    conter shop_lost_total();

    /// Tills open.
    gauge shop_tills() { bucket = [1.0] }

    /// Orders late.
    counter shop_late_total(source: impl obs::Label);

    /// Orders found.
    counter shop_found_total(gift: bool)
}

fn main() {
    shop_orders_total().inc();
    shop_customers_total().inc();
    shop_wait_ms(true).observe(1.0);
    shop_walk_seconds(true).observe(1.0);
    returns_total().inc();
    shop_tills().inc();
    shop_found_total(true).inc();
}
