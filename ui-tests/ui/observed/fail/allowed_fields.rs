#[obs::observed(fields(email = %email), allow(email = ""))]
fn without_reason(email: &str) {
    let _ = email;
}

#[obs::observed(fields(plan = %plan), allow(plan = "it is public", phone = "it is ours"))]
fn without_need(plan: &str) {
    let _ = plan;
}

#[obs::observed(fields(email = obs::redacted(email)), allow(email = "it is redacted"))]
fn redacted_already(email: &str) {
    let _ = email;
}

#[obs::observed(fields(a = 1, a = 2))]
fn twice() {}

fn main() {
    without_reason("");
    without_need("");
    redacted_already("");
    twice();
}
