//! One line of a log, as far as it is one of ours.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A duration of a line that is longer than this is none: ten years, in milliseconds.
const MAX_DURATION_MS: f64 = 10.0 * 366.0 * 86_400.0 * 1e3;

/// A line with a time and a correlation id.
#[derive(Debug)]
pub(super) struct Line {
    /// As it stands in the file.
    pub(super) raw: Box<str>,
    /// Microseconds since 1970.
    pub(super) at: i64,
    fields: Vec<(String, Value)>,
}

/// What a line of a file is.
#[derive(Debug)]
pub(super) enum Read {
    Line(Line),
    /// An object of somebody else.
    Foreign,
    NotJson,
}

/// What a line says about an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    RequestStarted,
    JobStarted,
    RequestEnded,
    ToolEnded,
    JobEnded,
    /// It is written within one.
    Within,
}

impl Line {
    pub(super) fn read(bytes: &[u8]) -> Read {
        let Ok(raw) = str::from_utf8(bytes) else {
            return Read::NotJson;
        };
        let Ok(Fields(fields)) = serde_json::from_str(raw) else {
            return Read::NotJson;
        };
        let mut line = Self {
            raw: raw.into(),
            at: 0,
            fields,
        };
        let Ok(time) = OffsetDateTime::parse(line.text("timestamp"), &Rfc3339) else {
            return Read::Foreign;
        };
        line.at = i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or_default();
        if line.text("correlation_id").is_empty() {
            return Read::Foreign;
        }
        Read::Line(line)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.fields.iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    /// Returns the text of a key, or an empty one.
    pub(super) fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the keys and values, in the order of the line.
    pub(super) fn fields(&self) -> &[(String, Value)] {
        &self.fields
    }

    pub(super) fn correlation_id(&self) -> &str {
        self.text("correlation_id")
    }

    pub(super) fn service(&self) -> &str {
        self.text("service")
    }

    pub(super) fn attempt(&self) -> Option<u64> {
        self.get("attempt").and_then(Value::as_u64)
    }

    /// Returns the job's id, which may be a text or a number.
    pub(super) fn job_id(&self) -> Option<String> {
        match self.get("job_id")? {
            Value::String(id) if id.is_empty() => None,
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        }
    }

    /// Returns the duration that the line says, in microseconds.
    pub(super) fn duration(&self) -> Option<i64> {
        let ms = self.get("duration_ms").and_then(Value::as_f64)?;
        #[expect(clippy::cast_possible_truncation, reason = "within its bounds")]
        (0.0..MAX_DURATION_MS)
            .contains(&ms)
            .then_some((ms * 1e3).round() as i64)
    }

    pub(super) fn stage(&self) -> Stage {
        // What a service says under the same words has a target of its own.
        let Some(("obs", about)) = self.text("target").split_once("::") else {
            return Stage::Within;
        };
        match (about, self.text("message")) {
            ("request", "request_started") => Stage::RequestStarted,
            ("request", "request_completed") => Stage::RequestEnded,
            ("job", "job_started") => Stage::JobStarted,
            ("job", "job_completed") => Stage::JobEnded,
            ("mcp", _) if self.get("tool").is_some() && self.get("duration_ms").is_some() => {
                Stage::ToolEnded
            }
            _ => Stage::Within,
        }
    }
}

/// The keys and values of a JSON object, in their order.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfFields;

        impl<'de> Visitor<'de> for OfFields {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(OfFields)
    }
}
