#![deny(warnings)]
//! Every type that is a label without a derive.

use obs::Label;

#[derive(Label, Clone, Copy)]
enum Plan {
    Free,
}

type Alias = Option<Plan>;

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(
        gift: bool,
        plan: Alias,
        again: Option<bool>,
        path: self::Plan,
    ) {
        unchecked_labels = "a path through the shop has one value",
    }

    /// Requests.
    gauge shop_requests(method: http::Method, status: http::StatusCode);
}

fn main() {
    shop_orders_total(true, Some(Plan::Free), None, Plan::Free).inc();
    shop_requests(http::Method::GET, http::StatusCode::OK).inc();
}
