#![deny(warnings)]

extern crate obs as telemetry;

mod facade {
    pub mod inner {
        pub use obs::*;
    }
}

#[derive(facade::inner::Label, Clone, Copy)]
#[label(crate = crate::facade::inner)]
enum Plan {
    Free,
}

#[derive(telemetry::Label, Clone, Copy)]
#[label(crate = ::telemetry, rename_all = "lowercase")]
enum Kind {
    Only,
}

macro_rules! through_a_macro {
    ($name:ident) => {
        #[derive(facade::inner::Label, Clone, Copy)]
        #[label(crate = $crate::facade::inner)]
        enum $name {
            Only,
        }
    };
}
through_a_macro!(Third);

facade::inner::metrics! {
    registry SHOP;

    /// Orders taken.
    counter shop_orders_total(plan: Plan, kind: Kind, third: Third);
}

fn main() {
    shop_orders_total(Plan::Free, Kind::Only, Third::Only).inc();
}
