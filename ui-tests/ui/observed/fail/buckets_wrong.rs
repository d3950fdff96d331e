const UNSORTED: &[f64] = &[0.1, 1.0, 0.5];

#[obs::observed(buckets = [])]
fn empty() {}

#[obs::observed(buckets = UNSORTED)]
fn unsorted() {}

#[obs::observed(buckets = [1.0, f64::INFINITY])]
fn infinite() {}

fn main() {
    empty();
    unsorted();
    infinite();
}
