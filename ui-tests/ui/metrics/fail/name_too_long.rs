obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_that_were_taken_by_somebody_who_stood_at_the_till_and_was_paid_for_it_and_that_were_not_returned_before_the_evening_total();
}

fn main() {}
