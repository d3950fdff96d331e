obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter ordersTaken() { unchecked_name = "the dashboard of 2019 has it" }

    /// Orders returned.
    counter shop_returned() { unchecked_name = "" }

    /// Orders lost.
    counter shop_lost_total(user_id: bool) { unchecked_labels = " " }
}

fn main() {
    ordersTaken().inc();
    shop_returned().inc();
    shop_lost_total(true).inc();
}
