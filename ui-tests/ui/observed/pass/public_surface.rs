//! What users name themselves.
#![deny(warnings, missing_docs)]

use obs::{CallFamily, Outcome, Redacted, redacted};

#[obs::observed]
fn operation() {}

fn main() {
    operation();
    let site = obs::sites().find(|site| site.name() == "operation").unwrap();
    assert_eq!(site.family(), CallFamily::Operation);
    assert_eq!(site.family().outcomes().len(), 4);
    assert_eq!(site.family().label(), "operation");
    assert!(site.file().ends_with("public_surface.rs") && site.line() == 7);
    assert!(site.objective().is_none() && site.buckets().contains(&0.75));
    assert_eq!((Outcome::ToolError.as_str(), Outcome::ToolError.result()), ("tool_error", "failed"));
    let secret: Redacted<u8> = redacted(1);
    assert_eq!(format!("{secret:>12?}|{secret}"), "  [redacted]|[redacted]");
    assert_eq!(secret.into_inner(), 1);
}
