//! The JSON text of a problem, member by member.

use serde_json::to_writer;

use crate::context::Annotation;

/// An object that is being written.
pub(super) struct Details {
    json: Vec<u8>,
}

impl Details {
    pub(super) fn new() -> Self {
        Self { json: vec![b'{'] }
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
    }

    pub(super) fn value(&mut self, name: &str, value: &Annotation) {
        self.name(name);
        let json = match value {
            Annotation::Text(text) => return self.string(text),
            Annotation::Signed(number) => number.to_string(),
            Annotation::Unsigned(number) => number.to_string(),
            // As JSON has neither infinity nor NaN, these are `null`.
            Annotation::Float(number) => serde_json::Value::from(*number).to_string(),
            Annotation::Bool(value) => value.to_string(),
        };
        self.json.extend_from_slice(json.as_bytes());
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }

    fn name(&mut self, name: &str) {
        if self.json.len() > 1 {
            self.json.push(b',');
        }
        self.string(name);
        self.json.push(b':');
    }

    fn string(&mut self, text: &str) {
        let written = to_writer(&mut self.json, text);
        debug_assert!(written.is_ok(), "a string is always JSON");
    }
}
