#![deny(warnings)]
//! What is declared is on `/metrics` at zero before anything is recorded.

#[allow(dead_code)]
mod shop {
    obs::metrics! {
        registry SHOP;

        /// Orders taken.
        counter shop_orders_total(gift: bool);
    }
}

fn main() {
    let families = obs::catalog::gather();
    let orders = families.iter().find(|family| family.name == "shop_orders_total").unwrap();
    assert_eq!(orders.samples.len(), 2);
    assert_eq!(orders.help, "Orders taken.");
}
