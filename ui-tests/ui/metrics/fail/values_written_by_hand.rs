macro_rules! label {
    ($name:ident, $values:expr) => {
        struct $name;
        impl obs::Label for $name {
            const VALUES: &'static [&'static str] = $values;
            fn index(self) -> usize {
                0
            }
        }
    };
}
label!(None, &[]);
label!(Empty, &["a", ""]);
label!(Quote, &["a", "b", "c\""]);
label!(Twice, &["a", "b", "a"]);

obs::metrics! {
    registry SHOP;

    /// A.
    counter shop_a_total(a: None);
    /// B.
    counter shop_b_total(a: Empty);
    /// C.
    counter shop_c_total(a: Quote);
    /// D.
    counter shop_d_total(a: Twice);
}

fn main() {}
