#[obs::observed(level = "verbose")]
fn unknown() {}

#[obs::observed(level = "DEBUG")]
async fn capitals() {}

#[obs::observed(level = "")]
fn empty() {}

fn main() {}
