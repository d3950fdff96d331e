obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_order_count();

    /// Money taken.
    gauge shop_money_sum();

    /// Baskets.
    gauge shop_bucket();

    /// Accounts made.
    gauge shop_accounts_created();
}

fn main() {
    shop_order_count().inc();
    shop_money_sum().inc();
    shop_bucket().inc();
    shop_accounts_created().inc();
}
