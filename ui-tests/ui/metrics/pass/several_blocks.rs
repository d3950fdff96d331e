#![deny(warnings)]
//! Blocks of one module do not get in each other's way.

obs::metrics! {
    registry A;

    /// Orders taken.
    counter b_orders_total();
}

obs::metrics! {
    registry A_B;

    /// Orders taken.
    counter orders_total();
}

mod other {
    obs::metrics! {
        pub(crate) registry A;

        /// Customers inside.
        gauge c_orders();
    }
}

fn main() {
    b_orders_total().inc();
    orders_total().inc();
    other::c_orders().inc();
    assert_eq!((A.metrics().len(), A_B.metrics().len(), other::A.metrics().len()), (1, 1, 1));
}
