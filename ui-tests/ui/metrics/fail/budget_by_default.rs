#[derive(obs::Label, Clone, Copy)]
enum Day { A, B, C, D, E, F, G }

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(a: Day, b: Day, c: Day, d: Day, e: Day);
}

fn main() {
    use Day::A;
    shop_orders_total(A, A, A, A, A).inc();
}
