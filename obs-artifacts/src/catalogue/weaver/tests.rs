//! Weaver itself cannot be had here: the files are read back by the grammar that it documents
//! (`schemas/semconv-syntax.md` and `crates/weaver_semconv` of its repository), where an unknown
//! field is a mistake as it is there.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Catalogue, Files, Service, System};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    schema_url: String,
    #[expect(dead_code, reason = "only that it may be there")]
    description: String,
    stability: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    brief: String,
    #[expect(dead_code, reason = "only that it may be there")]
    display_name: Option<String>,
    stability: Option<String>,
    #[serde(default)]
    attributes: Vec<Attribute>,
    metric_name: Option<String>,
    instrument: Option<String>,
    unit: Option<String>,
    annotations: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Attribute {
    Definition(Definition),
    Reference(Reference),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    id: String,
    #[serde(rename = "type")]
    kind: Type,
    stability: String,
    brief: String,
    #[serde(default)]
    examples: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    #[serde(rename = "ref")]
    name: String,
    requirement_level: String,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Type {
    Simple(String),
    Enum(Members),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    members: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    id: String,
    value: serde_json::Value,
    stability: String,
}

fn rendered(json: &str) -> Files {
    let catalogue: Catalogue = serde_json::from_str(json).expect("a catalogue");
    let system = System::new("shop").service(Service::new(catalogue));
    system.render().expect("files")
}

fn read<T: DeserializeOwned>(files: &Files, path: &str) -> T {
    let text = files.get(path).unwrap_or_else(|| panic!("no {path}"));
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}"))
}

const SHOP: &str = r#"{ "service": "shop", "metrics": [
    { "name": "shop_info", "kind": "info", "origin": "declared", "help": "A build: this one.",
      "combinations": 1, "series": 1, "labels": [{ "name": "version" }] },
    { "name": "shop_orders_total", "kind": "counter", "origin": "declared", "help": "Orders # all.",
      "combinations": 6, "series": 6, "declared_at": ["src/a.rs:1"],
      "labels": [{ "name": "status", "values": ["200", "4xx", "a-b", "a_b"] },
                 { "name": "is_new", "values": ["false", "true"] }] },
    { "name": "shop_wait_seconds", "kind": "histogram", "origin": "declared", "help": "Waits.",
      "unit": "seconds", "combinations": 1, "series": 5, "buckets": [0.5, 1.0],
      "objectives": [{ "at": 0.5, "target": 99.0 }],
      "labels": [{ "name": "status", "values": ["done"] }] }
] }"#;

#[test]
fn the_files_follow_the_grammar_of_weaver() {
    let files = rendered(SHOP);
    let manifest: Manifest = read(&files, "deploy/weaver/shop/manifest.yaml");
    assert_eq!(manifest.schema_url, "https://schemas.invalid/shop/1.0.0");
    assert_eq!(manifest.stability, "development");
    let mut ids = BTreeSet::new();
    let mut defined = BTreeSet::new();
    let attributes: File = read(&files, "deploy/weaver/shop/attributes.yaml");
    for group in &attributes.groups {
        assert_eq!(group.kind, "attribute_group");
        assert!(ids.insert(&group.id) && !group.brief.is_empty());
        assert!(!group.attributes.is_empty(), "a group without is refused");
        for attribute in &group.attributes {
            let Attribute::Definition(it) = attribute else {
                panic!("only definitions");
            };
            assert!(defined.insert(it.id.as_str()), "{} twice", it.id);
            assert!(!it.brief.is_empty() && it.stability == "development");
            match &it.kind {
                Type::Simple(kind) => {
                    assert_eq!(kind, "string");
                    assert!(!it.examples.is_empty(), "{} needs an example", it.id);
                }
                Type::Enum(of) => {
                    let ids: BTreeSet<&str> = of.members.iter().map(|it| &*it.id).collect();
                    assert_eq!(ids.len(), of.members.len(), "{}", it.id);
                    for member in &of.members {
                        assert!(member.value.is_string(), "{} of {}", member.value, it.id);
                        assert!(member.id.starts_with(|it: char| it.is_ascii_alphabetic()));
                        assert_eq!(member.stability, "development");
                    }
                }
            }
        }
    }
    let metrics: File = read(&files, "deploy/weaver/shop/metrics.yaml");
    let told: Vec<_> = metrics
        .groups
        .iter()
        .map(|group| {
            assert!(ids.insert(&group.id) && !group.brief.is_empty());
            assert_eq!(group.kind, "metric");
            assert_eq!(group.stability.as_deref(), Some("development"));
            assert!(
                group
                    .annotations
                    .as_ref()
                    .is_some_and(|it| it.contains_key("obs"))
            );
            for attribute in &group.attributes {
                let Attribute::Reference(it) = attribute else {
                    panic!("only references");
                };
                assert!(defined.contains(it.name.as_str()), "{} is nowhere", it.name);
                assert_eq!(it.requirement_level, "required");
            }
            let [name, instrument, unit] =
                [&group.metric_name, &group.instrument, &group.unit].map(Option::as_deref);
            (name, instrument, unit)
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("shop_info"), Some("gauge"), Some("1")),
            (Some("shop_orders_total"), Some("counter"), Some("1")),
            (Some("shop_wait_seconds"), Some("histogram"), Some("s")),
        ]
    );
}

#[test]
fn a_label_of_several_metrics_is_defined_once_and_each_says_which_values_it_has() {
    let files = rendered(SHOP);
    let attributes: File = read(&files, "deploy/weaver/shop/attributes.yaml");
    let definitions = attributes.groups.iter().flat_map(|it| &it.attributes);
    let status = definitions.filter_map(|it| match it {
        Attribute::Definition(it) if it.id == "status" => Some(it),
        _ => None,
    });
    let [status] = &status.collect::<Vec<_>>()[..] else {
        panic!("one definition");
    };
    let Type::Enum(of) = &status.kind else {
        panic!("its values are known");
    };
    let values: Vec<_> = of.members.iter().map(|it| it.value.as_str()).collect();
    assert_eq!(values, ["200", "4xx", "a-b", "a_b", "done"].map(Some));
    let metrics: File = read(&files, "deploy/weaver/shop/metrics.yaml");
    let notes: Vec<_> = metrics
        .groups
        .iter()
        .flat_map(|it| &it.attributes)
        .filter_map(|it| match it {
            Attribute::Reference(it) if it.name == "status" => it.note.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(
        notes,
        [
            "Here one of `200`, `4xx`, `a-b`, `a_b`.",
            "Here one of `done`."
        ]
    );
}
