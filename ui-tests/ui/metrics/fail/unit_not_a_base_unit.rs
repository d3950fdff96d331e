obs::metrics! {
    registry SHOP;

    /// Time to the till.
    histogram shop_wait_ms() { buckets = [1.0] }

    /// Time that tills were open.
    counter shop_open_minutes_total();

    /// Size of the receipts.
    gauge shop_receipts_kb();

    /// Tills that are open.
    gauge<f64> shop_tills_percent();
}

fn main() {
    shop_wait_ms().observe(1.0);
    shop_open_minutes_total().inc();
    shop_receipts_kb().inc();
    shop_tills_percent().set(1.0);
}
