#[obs::observed(nme = "charge")]
fn charge() {}

#[obs::observed(field(id = 1))]
fn refund() {}

#[obs::observed(skip_all)]
fn cancel() {}

#[obs::observed(slo(at = 0.5, goal = 99.0))]
fn confirm() {}

fn main() {
    charge();
    refund();
    cancel();
    confirm();
}
