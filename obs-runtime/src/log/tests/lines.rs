//! What stands on a line.

use serde_json::json;

use super::line_of;

#[test]
fn a_line_has_its_keys_in_their_order() {
    let line = line_of(|| tracing::info!(target: "shop::till", items = 3, paid = true, "sold"));
    assert_eq!(
        line.keys(),
        [
            "timestamp",
            "level",
            "target",
            "message",
            "service",
            "environment",
            "items",
            "paid"
        ]
    );
    assert_eq!(line["level"], json!("INFO"));
    assert_eq!(line["target"], json!("shop::till"));
    assert_eq!(line["message"], json!("sold"));
    assert_eq!(line["items"], json!(3));
}
