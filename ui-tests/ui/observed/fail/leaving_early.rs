obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(gift: bool);
}

fn is_gift(text: &str) -> Result<bool, std::str::ParseBoolError> {
    text.parse()
}

#[obs::observed(record(shop_orders_total(is_gift(text)?)))]
fn order(text: &str) -> Result<(), std::str::ParseBoolError> {
    is_gift(text).map(drop)
}

#[obs::observed(fields(gift = is_gift(text)?))]
fn wrap(text: &str) -> Result<(), std::str::ParseBoolError> {
    is_gift(text).map(drop)
}

#[obs::observed(fields(left = return))]
fn leave() {}

fn main() {
    order("true").unwrap();
    wrap("true").unwrap();
    leave();
}
