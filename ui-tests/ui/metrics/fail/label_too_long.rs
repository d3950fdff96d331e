obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(whether_the_order_was_taken_by_somebody_who_stood_at_the_till_and_was_paid_for_it_and_that_was_not_returned_before_the_evening_or_the_next_morning: bool);
}

fn main() {
    shop_orders_total(true).inc();
}
