#[obs::observed(name = "charge")]
fn charge() {}

#[obs::observed(name = "")]
fn empty() {}

#[obs::observed(name = "say \"hello\"")]
fn quoted() {}

#[obs::observed(name = "ciao, però")]
fn accented() {}

#[obs::observed(name = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789")]
fn long() {}

fn main() {
    charge();
    empty();
    quoted();
    accented();
    long();
}
