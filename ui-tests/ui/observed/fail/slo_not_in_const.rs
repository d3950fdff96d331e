#[obs::observed(slo(at = 0.3, target = 99.0))]
fn no_bucket() {}

#[obs::observed(slo(at = 0.5, target = 100.0))]
fn too_much() {}

#[obs::observed(buckets = [0.1, 0.2], slo(at = 0.5, target = 99.0))]
fn own_buckets() {}

fn main() {
    no_bucket();
    too_much();
    own_buckets();
}
