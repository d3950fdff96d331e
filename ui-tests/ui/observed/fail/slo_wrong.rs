#[obs::observed(slo(at = 0.3, target = 99.0))]
fn no_bucket() {}

#[obs::observed(buckets = [0.1, 0.2], slo(at = 0.5, target = 99.0))]
fn own_buckets() {}

#[obs::observed(slo(at = 0.5, target = 100.0))]
fn too_much() {}

#[obs::observed(slo(at = 0.5, target = 0.99))]
fn ratio() {}

#[obs::observed(slo(at = 0.5))]
fn no_target() {}

#[obs::observed(slo())]
fn empty() {}

#[obs::observed(slo = 0.5)]
fn no_list() {}

fn main() {
    no_bucket();
    own_buckets();
    too_much();
    ratio();
    no_target();
    empty();
    no_list();
}
