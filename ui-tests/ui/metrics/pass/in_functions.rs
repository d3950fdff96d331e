#![deny(warnings)]
//! A block may stand wherever an item may.

trait Till {
    fn ring(&self) {
        obs::metrics! {
            registry RINGS;

            /// Rings of a till.
            counter till_rings_total();
        }
        till_rings_total().inc();
    }
}

struct Shop<T>(T);

impl<T> Till for Shop<T> {}

impl<T> Shop<T> {
    fn open<U>(&self, _: U) {
        obs::metrics! {
            registry OPENINGS;

            /// Openings of a shop.
            counter shop_openings_total();
        }
        shop_openings_total().inc();
    }
}

fn main() {
    let shop = Shop(1);
    shop.open("door");
    shop.ring();
    assert_eq!(obs::Registry::collected().iter().filter(|it| it.file().ends_with("in_functions.rs")).count(), 2);
}
