#[derive(obs::Label, Clone, Copy)]
enum Tool { A, B, C, D, E, F, G, H, I, J, K, L }

obs::metrics! {
    registry SHOP;

    /// Seconds to the till.
    histogram shop_wait_seconds(tool: Tool, outcome: Option<bool>, gift: bool) {
        buckets = [0.1, 0.2, 0.5],
        max_series = 300,
    }

    /// Orders taken.
    counter shop_orders_total(tool: Tool) { max_series = 11 }

    /// Customers inside.
    gauge shop_customers() { max_series = 0 }
}

fn main() {
    shop_wait_seconds(Tool::A, None, true).observe(1.0);
    shop_orders_total(Tool::A).inc();
    shop_customers().inc();
}
