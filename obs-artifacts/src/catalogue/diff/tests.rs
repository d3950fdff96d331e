use std::path::Path;

use super::{Catalogue, Change, ChangeKind, Diff};
use crate::{Kind, Label, Metric, Objective};

fn catalogue() -> Catalogue {
    let text = r#"{ "service": "shop", "metrics": [
        { "name": "shop_orders_total", "kind": "counter", "origin": "declared", "help": "Orders.",
          "combinations": 2, "series": 2, "labels": [{ "name": "source", "values": ["web", "app"] }] },
        { "name": "shop_wait_seconds", "kind": "histogram", "origin": "declared", "help": "Waits.",
          "unit": "seconds", "combinations": 1, "series": 5, "buckets": [0.5, 1.0],
          "objectives": [{ "at": 0.5, "target": 99.0 }] },
        { "name": "shop_routes_total", "kind": "counter", "origin": "obs", "help": "Routes.",
          "combinations": 9, "series": 9, "labels": [{ "name": "route" }] }
    ] }"#;
    Catalogue::parse(text, Path::new("shop.json")).expect("a catalogue")
}

fn metric<'a>(catalogue: &'a mut Catalogue, name: &str) -> &'a mut Metric {
    let mut metrics = catalogue.metrics.iter_mut();
    metrics.find(|it| it.name == name).expect("a metric")
}

/// What is said of one edit.
fn changed(edit: impl FnOnce(&mut Catalogue)) -> Diff {
    let old = catalogue();
    let mut new = old.clone();
    edit(&mut new);
    Catalogue::compare(&old, &new)
}

fn only(diff: &Diff) -> &Change {
    match &diff.changes[..] {
        [one] => one,
        other => panic!("one change: {other:#?}"),
    }
}

#[test]
fn nothing_is_said_of_the_same_catalogue_nor_of_what_nobody_queries() {
    let diff = changed(|_| ());
    assert!(diff.is_empty() && !diff.breaking);
    assert_eq!(diff.to_string(), "nothing changed");
    let diff = changed(|new| {
        let orders = metric(new, "shop_orders_total");
        orders.help = "Orders taken.".to_owned();
        orders.declared_at = vec!["src/elsewhere.rs:1".to_owned()];
        orders.budget = Some(10);
    });
    assert!(diff.is_empty(), "{diff}");
}

#[test]
fn a_metric_that_is_gone_breaks_and_the_one_like_it_is_named() {
    let diff = changed(|new| {
        "shop_orders_taken_total".clone_into(&mut metric(new, "shop_orders_total").name);
        new.metrics.sort_by(|a, b| a.name.cmp(&b.name));
    });
    let [gone, fresh] = &diff.changes[..] else {
        panic!("{diff}");
    };
    assert_eq!(gone.change, ChangeKind::MetricRemoved);
    assert!(gone.breaking && diff.breaking);
    assert_eq!(gone.metric.as_deref(), Some("shop_orders_total"));
    assert_eq!(gone.perhaps_now.as_deref(), Some("shop_orders_taken_total"));
    assert_eq!(fresh.change, ChangeKind::MetricAdded);
    assert!(!fresh.breaking);
}

/// What becomes another, whether that breaks, the edit, and what is told of before and after.
type Case = (
    ChangeKind,
    bool,
    fn(&mut Catalogue),
    Option<&'static str>,
    Option<&'static str>,
);

fn of_labels() -> [Case; 8] {
    use ChangeKind as Is;
    [
        (
            Is::TypeChanged,
            true,
            |it| metric(it, "shop_orders_total").kind = Kind::Gauge,
            Some("counter"),
            Some("gauge"),
        ),
        (
            Is::UnitChanged,
            true,
            |it| metric(it, "shop_wait_seconds").unit = Some("milliseconds".to_owned()),
            Some("seconds"),
            Some("milliseconds"),
        ),
        (
            Is::LabelRemoved,
            true,
            |it| metric(it, "shop_orders_total").labels.clear(),
            None,
            None,
        ),
        (
            Is::LabelAdded,
            true,
            |it| {
                metric(it, "shop_wait_seconds").labels.push(Label {
                    name: "kind".to_owned(),
                    values: vec!["x".to_owned()],
                });
            },
            None,
            None,
        ),
        (
            Is::LabelOpened,
            true,
            |it| metric(it, "shop_orders_total").labels[0].values.clear(),
            Some("web, app"),
            None,
        ),
        (
            Is::LabelClosed,
            false,
            |it| {
                metric(it, "shop_routes_total").labels[0]
                    .values
                    .push("/".to_owned());
            },
            None,
            Some("/"),
        ),
        (
            Is::ValueRemoved,
            true,
            |it| drop(metric(it, "shop_orders_total").labels[0].values.remove(0)),
            Some("web"),
            None,
        ),
        (
            Is::ValueAdded,
            false,
            |it| {
                metric(it, "shop_orders_total").labels[0]
                    .values
                    .push("fax".to_owned());
            },
            None,
            Some("fax"),
        ),
    ]
}

fn of_histograms() -> [Case; 7] {
    use ChangeKind as Is;
    [
        (
            Is::BucketsRemoved,
            true,
            |it| metric(it, "shop_wait_seconds").buckets = vec![0.5, 2.0],
            Some("0.5, 1"),
            Some("0.5, 2"),
        ),
        (
            Is::BucketsAdded,
            false,
            |it| metric(it, "shop_wait_seconds").buckets.push(2.0),
            Some("0.5, 1"),
            Some("0.5, 1, 2"),
        ),
        (
            Is::ObjectiveRemoved,
            true,
            |it| metric(it, "shop_wait_seconds").objectives.clear(),
            Some("99 % within 0.5"),
            None,
        ),
        (
            Is::ObjectiveChanged,
            true,
            |it| metric(it, "shop_wait_seconds").objectives[0].target = 99.9,
            Some("99 % within 0.5"),
            Some("99.9 % within 0.5"),
        ),
        (
            Is::ObjectiveAdded,
            false,
            |it| {
                let more = Objective {
                    labels: vec![("kind".to_owned(), "x".to_owned())],
                    at: 1.0,
                    target: 95.0,
                    declared_at: Vec::new(),
                };
                metric(it, "shop_wait_seconds").objectives.push(more);
            },
            None,
            Some("95 % within 1 of {kind=\"x\"}"),
        ),
        // The one that stays is recorded under another name from then on.
        (
            Is::ObjectiveChanged,
            true,
            |it| {
                let more = Objective {
                    labels: Vec::new(),
                    at: 1.0,
                    target: 99.9,
                    declared_at: Vec::new(),
                };
                metric(it, "shop_wait_seconds").objectives.push(more);
            },
            Some("99 % within 0.5"),
            Some("99 % within 0.5 and 99.9 % within 1"),
        ),
        (
            Is::ServiceRenamed,
            true,
            |it| "store".clone_into(&mut it.service),
            Some("shop"),
            Some("store"),
        ),
    ]
}

#[test]
fn each_change_is_told_with_what_it_was_and_whether_it_breaks() {
    for (kind, breaking, edit, old, new) in of_labels().into_iter().chain(of_histograms()) {
        let diff = changed(edit);
        let change = only(&diff);
        assert_eq!(change.change, kind, "{diff}");
        assert_eq!(
            (change.breaking, diff.breaking),
            (breaking, breaking),
            "{diff}"
        );
        assert_eq!(change.old.as_deref(), old, "{diff}");
        assert_eq!(change.new.as_deref(), new, "{diff}");
        assert_eq!(
            change.fix.is_empty(),
            !breaking,
            "what breaks can be mended: {diff}"
        );
    }
}

#[test]
fn the_order_of_labels_and_values_is_no_change() {
    let diff = changed(|new| {
        metric(new, "shop_orders_total").labels[0].values.reverse();
        metric(new, "shop_wait_seconds").objectives.reverse();
    });
    assert!(diff.is_empty(), "{diff}");
}

#[test]
fn people_read_what_where_why_and_what_to_do_first_what_breaks() {
    let diff = changed(|new| {
        drop(metric(new, "shop_orders_total").labels[0].values.remove(0));
        metric(new, "shop_wait_seconds").buckets.push(2.0);
    });
    let text = diff.to_string();
    assert_eq!(
        text,
        "1 change(s) break something, 1 do not\n\n\
         BREAKING  shop: shop_orders_total: value removed from label `source`: web\n  \
         why: a matcher on it selects nothing: an alert on that value can never fire again\n  \
         fix: keep the value, or change the queries that name it\n\n\
         harmless  shop: shop_wait_seconds: buckets added: 0.5, 1 -> 0.5, 1, 2\n  \
         why: every query stays right; while both versions run, sums by `le` are a little off"
    );
}

#[test]
fn a_terminal_obeys_nothing_that_stands_in_a_catalogue() {
    let diff = changed(|new| {
        let values = &mut metric(new, "shop_orders_total").labels[0].values;
        values.push("\u{1b}[2J".to_owned());
    });
    assert!(!diff.to_string().contains('\u{1b}'));
}

#[test]
fn programs_read_json() {
    let diff = changed(|new| metric(new, "shop_wait_seconds").objectives.clear());
    let json = serde_json::to_value(&diff).expect("JSON");
    assert_eq!(json["breaking"], true);
    let change = &json["changes"][0];
    assert_eq!(change["change"], "objective_removed");
    assert_eq!(change["metric"], "shop_wait_seconds");
    assert_eq!(change["old"], "99 % within 0.5");
    assert!(change.get("new").is_none());
    assert!(change["why"].is_string() && change["fix"].is_string());
}

#[test]
fn services_that_come_and_go_are_told() {
    let shop = catalogue();
    let named = |name: &str| {
        let mut it = shop.clone();
        name.clone_into(&mut it.service);
        it
    };
    let diff = Catalogue::compare_all(&[named("a"), named("b")], &[named("b"), named("c")]);
    let told: Vec<_> = diff
        .changes
        .iter()
        .map(|it| (it.service.as_str(), it.change))
        .collect();
    assert_eq!(
        told,
        [
            ("a", ChangeKind::ServiceRemoved),
            ("c", ChangeKind::ServiceAdded)
        ]
    );
    assert!(diff.breaking);
}

#[test]
fn what_is_no_catalogue_is_refused_with_its_path_and_place() {
    let whole = serde_json::to_string_pretty(&catalogue()).expect("JSON");
    let twice = whole.replace("shop_wait_seconds", "shop_orders_total");
    let strange = whole.replace("shop_wait_seconds", "shop wait");
    let cases: [(&str, &str); 9] = [
        ("", "old.json: empty"),
        ("{", "old.json:1:1: cut off"),
        (&whole[..whole.len() / 2], "old.json:"),
        ("<html>", "old.json:1:1: not JSON"),
        ("[]", "old.json:1:"),
        (
            r#"{"service": "shop"}"#,
            "JSON, but no catalogue: missing field `metrics`",
        ),
        (
            r#"{"format": 2, "form": "new"}"#,
            "old.json: of format 2, and this version",
        ),
        (
            &twice,
            "old.json: the metric `shop_orders_total` stands in it twice",
        ),
        (&strange, r#"old.json: "shop wait" is no name of a metric"#),
    ];
    for (text, expected) in cases {
        let refused = Catalogue::parse(text, Path::new("old.json"));
        let said = refused.expect_err("no catalogue").to_string();
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("\n  fix: "), "{said}");
    }
    let deep = "[".repeat(100_000);
    assert!(Catalogue::parse(&deep, Path::new("old.json")).is_err());
    let huge = whole.replace("0.5", "1e999");
    assert!(Catalogue::parse(&huge, Path::new("old.json")).is_err());
}

#[test]
fn fields_of_a_later_version_are_left_alone() {
    let later = r#"{ "format": 1, "service": "shop", "metrics": [], "colour": "red" }"#;
    let read = Catalogue::parse(later, Path::new("old.json")).expect("a catalogue");
    assert_eq!(read.service, "shop");
}
