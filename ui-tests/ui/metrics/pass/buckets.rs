#![deny(warnings)]
//! Bounds as a literal, a reference, a constant, a call; one bound and two hundred.

const SLICE: &[f64] = &[0.1, 1.0];
const ARRAY: [f64; 2] = [0.1, 1.0];

mod elsewhere {
    pub const fn linear<const N: usize>(step: f64) -> [f64; N] {
        let mut bounds = [0.0; N];
        let mut i = 0;
        while i < N {
            bounds[i] = step * (i as f64 + 1.0);
            i += 1;
        }
        bounds
    }
}

obs::metrics! {
    registry SHOP;

    /// A.
    histogram shop_a_seconds() { buckets = [-1.0, 0.0, 1e-3, 1.0 / 3.0, f64::MAX] }
    /// B.
    histogram shop_b_seconds() { buckets = &[0.5] }
    /// C.
    histogram shop_c_seconds() { buckets = SLICE, slo = { target: 99.95, at: SLICE[1] } }
    /// D.
    histogram shop_d_seconds() { buckets = ARRAY }
    /// E.
    histogram shop_e_seconds() { buckets = elsewhere::linear::<200>(0.5), slo = { at: 100.0, target: 50.0 } }
}

fn main() {
    let bounds: Vec<usize> = SHOP
        .metrics()
        .iter()
        .map(|metric| metric.descriptor().buckets.len())
        .collect();
    assert_eq!(bounds, [5, 1, 2, 2, 200]);
    shop_a_seconds().observe(1.0);
    shop_b_seconds().observe(1.0);
    shop_c_seconds().observe(1.0);
    shop_d_seconds().observe(1.0);
    shop_e_seconds().observe(1.0);
}
