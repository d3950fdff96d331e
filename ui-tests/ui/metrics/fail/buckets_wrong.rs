const UNSORTED: &[f64] = &[0.1, 1.0, 0.5];
const TWICE: [f64; 3] = [0.1, 0.1, 0.5];

const fn made() -> [f64; 2] {
    [1.0, f64::INFINITY]
}

obs::metrics! {
    registry SHOP;

    /// A.
    histogram shop_a_seconds() { buckets = [] }

    /// B.
    histogram shop_b_seconds() { buckets = UNSORTED }

    /// C.
    histogram shop_c_seconds() { buckets = TWICE }

    /// D.
    histogram shop_d_seconds() { buckets = made() }

    /// E.
    histogram shop_e_seconds() { buckets = [0.1, 0.0 / 0.0] }

    /// F.
    histogram shop_f_seconds() { buckets = [0.0, -1.0] }
}

fn main() {}
