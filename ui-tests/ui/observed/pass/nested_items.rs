#![deny(warnings)]

#[obs::observed]
fn outer(n: u8) -> u8 {
    #[obs::observed]
    fn inner(n: u8) -> u8 {
        #[obs::observed(name = "innermost_of_all")]
        fn innermost(n: u8) -> u8 {
            n
        }
        innermost(n)
    }

    struct Local;

    impl Local {
        #[obs::observed]
        fn method(&self, n: u8) -> u8 {
            inner(n)
        }
    }

    use std::cmp::max;
    const LIMIT: u8 = 3;
    max(Local.method(n), LIMIT)
}

mod deep {
    pub(super) mod deeper {
        #[obs::observed]
        pub(in crate::deep) fn restricted() {}

        #[obs::observed]
        pub(crate) fn visible() {
            restricted();
        }
    }

    pub(super) fn call() {
        deeper::restricted();
        deeper::visible();
    }
}

fn main() {
    let closure = || {
        #[obs::observed]
        fn in_a_closure() {}
        in_a_closure();
    };
    closure();
    outer(1);
    deep::call();
}
