//! Reads the `{ key = value, … }` of a metric.

use super::super::ast::{Metric, Slo};
use crate::diag::Diagnostics;
use crate::syntax::{Key, Keys};
use proc_macro2::TokenStream;

const SETTINGS: &[Key] = &[
    Key {
        name: "buckets",
        example: "buckets = [0.1, 1.0]",
    },
    Key {
        name: "slo",
        example: "slo = { at: 1.0, target: 99.0 }",
    },
    Key {
        name: "max_series",
        example: "max_series = 100",
    },
    Key {
        name: "unchecked_name",
        example: "unchecked_name = \"why\"",
    },
    Key {
        name: "unchecked_labels",
        example: "unchecked_labels = \"why\"",
    },
];

const SLO: &[Key] = &[
    Key {
        name: "at",
        example: "at: 1.0",
    },
    Key {
        name: "target",
        example: "target: 99.0",
    },
];

pub(super) fn parse(tokens: TokenStream, metric: &mut Metric, diagnostics: &mut Diagnostics) {
    let settings = &mut metric.settings;
    Keys::new("a metric", SETTINGS).parse(tokens, diagnostics, |entry, diagnostics| {
        let key = entry.ident.span();
        match entry.key.name {
            "buckets" => {
                settings.buckets = entry.expr(diagnostics).map(|value| (key, value));
                settings.said_buckets = true;
            }
            "max_series" => {
                settings.max_series = entry.expr(diagnostics).map(|value| (key, value));
            }
            "unchecked_name" => settings.unchecked_name = entry.string(diagnostics),
            "unchecked_labels" => settings.unchecked_labels = entry.string(diagnostics),
            _ => {
                if let Some(inside) = entry.braces(diagnostics) {
                    settings.slo = Some(slo(key, inside, diagnostics));
                }
            }
        }
    });
}

fn slo(key: proc_macro2::Span, tokens: TokenStream, diagnostics: &mut Diagnostics) -> Slo {
    let mut slo = Slo {
        key,
        at: None,
        target: None,
        said: Vec::new(),
    };
    Keys::new("`slo`", SLO).parse(tokens, diagnostics, |entry, diagnostics| {
        slo.said.push(entry.key.name);
        let value = entry.expr(diagnostics);
        if entry.key.name == "at" {
            slo.at = value;
        } else {
            slo.target = value;
        }
    });
    slo
}
