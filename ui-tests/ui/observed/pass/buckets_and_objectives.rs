#![deny(warnings)]

const BOUNDS: [f64; 2] = [0.1, 0.5];
static SHARED: &[f64] = &[1.0, 2.0];
const TARGET: f64 = 99.5;

#[obs::observed(slo(at = 0.75, target = 99.0))]
fn with_the_usual_buckets() {}

#[obs::observed(buckets = [0.1, 0.5], slo(at = 0.5, target = TARGET))]
fn with_a_list() {}

#[obs::observed(buckets = BOUNDS, slo(at = BOUNDS[1], target = 99.0))]
fn with_a_constant() {}

#[obs::observed(buckets = &[0.1, 0.1 + 0.1])]
async fn with_a_reference() {}

fn main() {
    with_the_usual_buckets();
    with_a_list();
    with_a_constant();
    drop(with_a_reference());
    let _ = SHARED;
}
