//! `obs-artifacts diff`, as a user's CI runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SHOP: &str = r#"{ "service": "shop", "metrics": [
    { "name": "shop_orders_total", "kind": "counter", "origin": "declared", "help": "Orders.",
      "combinations": 2, "series": 2, "labels": [{ "name": "source", "values": ["web", "app"] }] }
] }"#;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_obs-artifacts"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("it runs")
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn it_exits_with_0_1_or_2_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("old.json", SHOP);
    write("same.json", SHOP);
    write("more.json", &SHOP.replace(r#""app""#, r#""app", "fax""#));
    write("less.json", &SHOP.replace(r#", "app""#, ""));
    write("broken.json", &SHOP[..40]);

    let same = said(&run(folder.path(), &["diff", "old.json", "same.json"]));
    assert_eq!(
        same,
        (Some(0), "nothing changed\n".to_owned(), String::new())
    );
    let more = said(&run(folder.path(), &["diff", "old.json", "more.json"]));
    assert_eq!(more.0, Some(0), "{more:?}");
    assert!(
        more.1
            .contains("harmless  shop: shop_orders_total: value added"),
        "{more:?}"
    );
    let less = said(&run(folder.path(), &["diff", "old.json", "less.json"]));
    assert_eq!(less.0, Some(1), "{less:?}");
    assert!(
        less.1
            .contains("BREAKING  shop: shop_orders_total: value removed"),
        "{less:?}"
    );
    let json = said(&run(
        folder.path(),
        &["diff", "--json", "old.json", "less.json"],
    ));
    assert_eq!(json.0, Some(1), "{json:?}");
    let json: serde_json::Value = serde_json::from_str(&json.1).expect("JSON");
    assert_eq!(json["changes"][0]["change"], "value_removed");

    for (arguments, expected) in [
        (&["diff", "old.json", "broken.json"][..], "broken.json:2:"),
        (
            &["diff", "old.json", "nowhere.json"],
            "nowhere.json: cannot be read",
        ),
        (
            &["diff", "old.json"],
            "`diff` takes OLD and NEW, found 1 path(s)",
        ),
        (&["diff", "old.json", "same.json", "--jsn"], "--jsn"),
        (&["dif"], "no command `dif`, only `diff`"),
        (&[], "a command is missing: `diff`"),
    ] {
        let refused = said(&run(folder.path(), arguments));
        assert_eq!(refused.0, Some(2), "{refused:?}");
        assert!(refused.2.contains(expected), "{refused:?}");
        assert!(refused.1.is_empty(), "{refused:?}");
    }
    let help = said(&run(folder.path(), &["--help"]));
    assert_eq!(help.0, Some(0));
    assert!(help.1.contains("exit codes: 0 "), "{help:?}");
}

#[test]
fn folders_are_compared_service_by_service() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("old/shop.json", SHOP);
    write("old/till.json", &SHOP.replace("\"shop\"", "\"till\""));
    write("new/shop.json", SHOP);
    write("new/notes.txt", "no catalogue");
    let output = said(&run(folder.path(), &["diff", "old", "new"]));
    assert_eq!(output.0, Some(1), "{output:?}");
    assert!(
        output.1.contains("BREAKING  till: service removed"),
        "{output:?}"
    );

    write("empty/notes.txt", "no catalogue");
    let output = said(&run(folder.path(), &["diff", "empty", "new"]));
    assert_eq!(output.0, Some(2), "{output:?}");
    assert!(
        output.2.contains("empty: no saved catalogue in it"),
        "{output:?}"
    );
}
