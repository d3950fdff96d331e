#[obs::observed(record("orders_total"))]
fn order() {}

#[obs::observed(record = 3)]
fn refund() {}

fn main() {
    order();
    refund();
}
