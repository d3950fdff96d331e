#[obs::observed(name = "pay", name = "charge")]
fn first() {}

#[obs::observed(fields(a = 1), fields(b = 2))]
fn second() {}

#[obs::observed]
#[obs::observed(name = "pay")]
fn third() {}

fn main() {
    first();
    second();
    third();
}
