#[derive(obs::Label, Clone, Copy)]
enum Tool { A, B, C, D, E, F, G, H, I, J, K, L }

obs::metrics! {
    registry SHOP;
    max_series = 20;

    /// Orders taken.
    counter shop_orders_total(tool: Tool);

    /// Orders returned.
    counter shop_returns_total(tool: Tool);
}

fn main() {
    shop_orders_total(Tool::A).inc();
    shop_returns_total(Tool::A).inc();
}
