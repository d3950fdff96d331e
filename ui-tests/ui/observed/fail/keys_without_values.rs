#[obs::observed(name)]
fn first() {}

#[obs::observed(name = )]
fn second() {}

#[obs::observed(name = 3)]
fn third() {}

#[obs::observed(fields = 3)]
fn fourth() {}

#[obs::observed(buckets)]
fn fifth() {}

#[obs::observed("charge")]
fn sixth() {}

#[obs::observed(tools = "Name")]
fn seventh() {}

fn main() {}
