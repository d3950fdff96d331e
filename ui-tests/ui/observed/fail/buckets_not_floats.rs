#[obs::observed(buckets = "fast")]
fn text() {}

#[obs::observed(buckets = [1, 2])]
fn integers() {}

fn main() {
    text();
    integers();
}
