use std::collections::BTreeSet;

use crate::{Catalogue, Files, Service, System};

fn catalogue(json: &str) -> Catalogue {
    serde_json::from_str(json).expect("a catalogue")
}

fn page(system: &System) -> String {
    let files: Files = system.render().expect("a system without problems");
    files.get("docs/metrics.md").expect("the page").to_owned()
}

/// A service whose every text tries to break a table.
fn hostile() -> Catalogue {
    catalogue(
        r#"{ "service": "shop", "metrics": [{
            "name": "shop_calls_total", "kind": "counter", "origin": "declared",
            "help": "- Calls | of <script>\nsomething", "combinations": 4, "series": 4,
            "labels": [{ "name": "how", "values": ["a|b", "`c`", "new\nline", ""] }],
            "declared_at": ["src/a b.rs:7", "cargo:lib-1.0.0/src/lib.rs:3"]
        }, {
            "name": "shop_wait_seconds", "kind": "histogram", "origin": "declared",
            "unit": "seconds", "help": "Seconds.", "combinations": 6, "series": 30,
            "labels": [{ "name": "kind", "values": ["x", "y", "z"] },
                       { "name": "is_big", "values": ["false", "true"] }],
            "buckets": [0.5, 1.0],
            "objectives": [{ "labels": [["kind", "x"]], "at": 0.5, "target": 99.9,
                             "declared_at": ["src/b.rs:9"] }],
            "budget": 50, "declared_at": ["src/b.rs:8"]
        }] }"#,
    )
}

/// The cells of a row as GitHub takes them apart.
fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').expect("a row ends in a bar");
    let kept = inner.replace("\\|", "\u{0}");
    kept.split('|')
        .map(|it| it.trim().replace('\u{0}', "|"))
        .collect()
}

#[test]
fn no_text_of_a_service_breaks_a_table_or_begins_a_block() {
    let page = page(&System::new("shop").service(Service::new(hostile())));
    let mut columns = None;
    for line in page.lines() {
        if line.starts_with('|') {
            let here = cells(line).len();
            assert_eq!(*columns.get_or_insert(here), here, "{line}");
        } else {
            columns = None;
        }
    }
    assert!(
        page.contains("\n\\- Calls | of &lt;script> something\n"),
        "{page}"
    );
    let row = page.lines().find(|it| it.starts_with("| label `how` |"));
    let row = cells(row.expect("a row of the label"));
    assert_eq!(row[1], "`a|b`, `` `c` ``, `new line`, (empty)");
}

#[test]
fn a_metric_says_its_type_unit_values_buckets_objective_series_and_place() {
    let page = page(&System::new("shop").service(Service::new(hostile())));
    let entry = page
        .split("#### `shop_wait_seconds`")
        .nth(1)
        .expect("an entry");
    for row in [
        "| type | histogram, in seconds |",
        "| label `kind` | `x`, `y`, `z` |",
        "| buckets | 0.5, 1 |",
        "| objective | 99.9 % at or below 0.5 s, of `kind=\"x\"` ([`src/b.rs:9`](../src/b.rs#L9)) |",
        "| series | 3 × 2 = 6 combinations, 30 series; at most 50 (`max_series`) |",
        "| declared at | [`src/b.rs:8`](../src/b.rs#L8) |",
    ] {
        assert!(entry.contains(row), "no {row} in {entry}");
    }
    // A path that is no link as it is, and one that is not of the project.
    assert!(
        page.contains("[`src/a b.rs:7`](../src/a%20b.rs#L7)<br>`cargo:lib-1.0.0/src/lib.rs:3`")
    );
}

#[test]
fn every_link_of_the_page_leads_to_a_heading() {
    let mut other = hostile();
    other.service = "Other-shop".to_owned();
    let system = System::new("shop")
        .service(Service::new(hostile()))
        .service(Service::new(other))
        .renamed("`old_total`", "shop_calls_total", "");
    let page = page(&system);
    let mut headings = super::headings::Headings::default();
    let slugs: BTreeSet<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| headings.slug(line.trim_start_matches('#').trim()))
        .collect();
    let links: Vec<&str> = page
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert_eq!(links.len(), 2 + 2 + 2 * 3, "{links:?}");
    for link in &links {
        assert!(slugs.contains(*link), "{link} is none of {slugs:?}");
    }
    // Both services have the metric, and each has a link of its own.
    assert!(links.contains(&"shop_calls_total") && links.contains(&"shop_calls_total-1"));
}

#[test]
fn many_values_are_folded_away_and_all_are_there() {
    let mut shop = hostile();
    shop.metrics[0].labels[0].values = (0..100).map(|it| format!("v{it}")).collect();
    let page = page(&System::new("shop").service(Service::new(shop)));
    assert!(page.contains("<details><summary>100 values</summary>`v0`, "));
    assert!(page.contains("`v99`</details> |"));
}

#[test]
fn a_rename_to_a_metric_that_nobody_has_is_refused() {
    let system = System::new("shop").service(Service::new(hostile()));
    let fine = [
        "shop_calls_total{how=\"a\"}",
        "shop_wait_seconds_bucket",
        "shop_wait_seconds",
    ];
    for new in fine {
        assert!(
            system.clone().renamed("`old`", new, "").render().is_ok(),
            "{new}"
        );
    }
    let refused = system
        .renamed("`old_total`", "shop_call_total", "")
        .render();
    let problems = refused.expect_err("no such metric");
    let [problem] = &problems.iter().collect::<Vec<_>>()[..] else {
        panic!("one problem: {problems}");
    };
    assert!(problem.what.contains("`old_total`") && problem.what.contains("`shop_call_total`"));
}
