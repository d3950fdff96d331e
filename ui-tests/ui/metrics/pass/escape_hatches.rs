#![deny(warnings)]

#[derive(obs::Label, Clone, Copy)]
enum Known {
    One,
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders() { unchecked_name = "dashboards of 2019 read it" }

    /// Time to the till.
    histogram shop_wait_ms() { unchecked_name = "dashboards of 2019 read it", buckets = [1.0] }

    /// Orders by customer.
    counter shop_sales_total(user_id: Known, path: Known) { unchecked_labels = "two customers" }
}

fn main() {
    shop_orders().inc();
    shop_wait_ms().observe(1.0);
    shop_sales_total(Known::One, Known::One).inc();
}
