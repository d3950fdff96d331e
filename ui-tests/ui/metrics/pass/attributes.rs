#![deny(warnings, missing_docs)]
//! Attributes stand where they were written, and on everything that depends on them.

obs::metrics! {
    /// The shop's metrics.
    #[allow(non_upper_case_globals)]
    pub registry Shop;

    /// Orders taken.
    #[cfg(debug_assertions)]
    pub counter shop_orders_total(gift: bool);

    /// Orders taken.
    #[cfg(not(debug_assertions))]
    pub counter shop_orders_total(gift: Option<bool>);

    /// Never there.
    #[cfg(any())]
    pub counter shop_lost_total(thing: TypeThatDoesNotExist) { max_series = MISSING }

    /// Never there either.
    #[cfg(any())]
    info shop_lost_info { thing: MISSING };

    /// Orders by fax.
    #[deprecated = "nobody sends faxes"]
    pub counter shop_faxes_total();

    /// Orders by telex.
    #[doc(hidden)]
    #[allow(dead_code)]
    counter shop_telexes_total();
}

fn main() {
    assert_eq!(Shop.metrics().len(), 3);
}
