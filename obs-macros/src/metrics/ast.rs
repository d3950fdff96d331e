//! What a `metrics!` block says, as it was written.

use crate::crate_path::CratePath;
use proc_macro2::Span;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Type, Visibility};

pub(super) struct Block {
    pub(super) krate: CratePath,
    pub(super) registry: Option<Registry>,
    pub(super) prefix: Option<LitStr>,
    pub(super) max_series: Option<Expr>,
    pub(super) metrics: Vec<Metric>,
}

pub(super) struct Registry {
    pub(super) attributes: Vec<Attribute>,
    pub(super) vis: Visibility,
    pub(super) name: Ident,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

impl Kind {
    pub(super) const WORDS: [&'static str; 4] = ["counter", "gauge", "histogram", "info"];

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "info" => Self::Info,
            _ => return None,
        })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

pub(super) struct Metric {
    /// As written, doc comments included.
    pub(super) attributes: Vec<Attribute>,
    pub(super) vis: Option<Visibility>,
    pub(super) kind: Kind,
    pub(super) float: bool,
    pub(super) name: Ident,
    pub(super) labels: Vec<Label>,
    pub(super) facts: Vec<Fact>,
    pub(super) settings: Settings,
    /// How much of it can be declared.
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Sound,
    /// The signature is known, so that calls can be compiled.
    Callable,
    Unusable,
}

pub(super) struct Label {
    pub(super) name: Ident,
    pub(super) ty: Type,
}

/// A label of an info metric, with its one value.
pub(super) struct Fact {
    pub(super) name: Ident,
    pub(super) value: Expr,
}

#[derive(Default)]
pub(super) struct Settings {
    pub(super) buckets: Option<(Span, Expr)>,
    /// Whether the key was there, readable or not.
    pub(super) said_buckets: bool,
    pub(super) slo: Option<Slo>,
    pub(super) max_series: Option<(Span, Expr)>,
    pub(super) unchecked_name: Option<LitStr>,
    pub(super) unchecked_labels: Option<LitStr>,
}

pub(super) struct Slo {
    pub(super) key: Span,
    pub(super) at: Option<Expr>,
    pub(super) target: Option<Expr>,
    /// The keys that were there, readable or not.
    pub(super) said: Vec<&'static str>,
}

impl Metric {
    /// Marks a mistake that leaves at most `state` of the metric.
    pub(super) fn spoil(&mut self, state: State) {
        self.state = self.state.max(state);
    }

    /// Returns the doc comment as one text: lines are joined, paragraphs stay apart.
    pub(super) fn help(&self) -> String {
        let mut help = String::new();
        let mut paragraph = false;
        for line in self.attributes.iter().filter_map(doc_text) {
            let line = line.trim();
            if line.is_empty() {
                paragraph = !help.is_empty();
                continue;
            }
            if !help.is_empty() {
                help.push(if paragraph { '\n' } else { ' ' });
            }
            paragraph = false;
            help.push_str(line);
        }
        help
    }

    /// Returns the attributes that decide whether the metric exists.
    pub(super) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

fn doc_text(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(doc) = &attribute.meta else {
        return None;
    };
    match &doc.value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if doc.path.is_ident("doc") => Some(text.value()),
        _ => None,
    }
}
