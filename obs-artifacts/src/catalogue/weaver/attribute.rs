//! A label as an attribute.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::STABILITY;
use crate::catalogue::{Catalogue, Label};

/// The definition of an attribute.
#[derive(Serialize)]
pub(super) struct Attribute {
    id: String,
    #[serde(rename = "type")]
    kind: Type,
    stability: &'static str,
    brief: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Type {
    Open(&'static str),
    Enum { members: Vec<Member> },
}

#[derive(Serialize)]
struct Member {
    id: String,
    value: String,
    stability: &'static str,
}

/// An attribute in a metric.
#[derive(Serialize)]
pub(super) struct Reference<'a> {
    #[serde(rename = "ref")]
    name: &'a str,
    requirement_level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The values of a label over all metrics in their order of appearance; `None` where one of them
/// takes any.
fn values(catalogue: &Catalogue) -> BTreeMap<&str, Option<Vec<&str>>> {
    let mut all: BTreeMap<&str, Option<Vec<&str>>> = BTreeMap::new();
    for label in catalogue.metrics.iter().flat_map(|it| &it.labels) {
        let known = all.entry(&label.name).or_insert_with(|| Some(Vec::new()));
        if label.values.is_empty() {
            *known = None;
        }
        for value in &label.values {
            if let Some(known) = known.as_mut().filter(|it| !it.contains(&value.as_str())) {
                known.push(value);
            }
        }
    }
    all
}

/// The attributes of a service, sorted by name.
pub(super) fn definitions(catalogue: &Catalogue) -> Vec<Attribute> {
    let all = values(catalogue).into_iter();
    all.map(|(name, values)| {
        let used = catalogue.metrics.iter();
        let used = used.filter(|it| it.label(name).is_some());
        let used: Vec<String> = used.map(|it| format!("`{}`", it.name)).collect();
        let (kind, examples) = match values {
            Some(values) => {
                let members = members(&values);
                (Type::Enum { members }, Vec::new())
            }
            None => (Type::Open("string"), vec![example(name).to_owned()]),
        };
        Attribute {
            id: name.to_owned(),
            kind,
            stability: STABILITY,
            brief: format!("Label `{name}` of {}.", used.join(", ")),
            examples,
        }
    })
    .collect()
}

/// What a value can be that is met while a process runs.
fn example(label: &str) -> &'static str {
    match label {
        "route" => "/jobs/{id}",
        "version" => "1.0.0",
        "environment" => "prod",
        _ => "main",
    }
}

fn members(values: &[&str]) -> Vec<Member> {
    let mut taken = BTreeSet::new();
    let members = values.iter().map(|value| {
        let mut id = identifier(value);
        // Two values may differ in what an identifier cannot hold.
        while !taken.insert(id.clone()) {
            id.push('_');
        }
        Member {
            id,
            value: (*value).to_owned(),
            stability: STABILITY,
        }
    });
    members.collect()
}

/// A value as code generators can use it: 4xx is no name of anything.
fn identifier(value: &str) -> String {
    let kept = value.chars().map(|character| match character {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => '_',
    });
    let kept: String = kept.collect();
    if kept.starts_with(|it: char| it.is_ascii_alphabetic()) {
        kept
    } else {
        format!("v{kept}")
    }
}

impl<'a> Reference<'a> {
    /// The labels of a metric, each with the values that it has there where others have more.
    pub(super) fn all(labels: &'a [Label], catalogue: &Catalogue) -> Vec<Self> {
        let defined = values(catalogue);
        let references = labels.iter().map(|label| {
            let all = defined.get(label.name.as_str());
            let all = all.and_then(|values| values.as_ref()).map_or(0, Vec::len);
            let differs = !label.values.is_empty() && label.values.len() != all;
            let values = || {
                let values: Vec<String> = label.values.iter().map(|it| format!("`{it}`")).collect();
                format!("Here one of {}.", values.join(", "))
            };
            Self {
                name: &label.name,
                requirement_level: "required",
                note: differs.then(values),
            }
        });
        references.collect()
    }
}
