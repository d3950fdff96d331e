//! The log of this process as lines: what `obs` wrote, read by a strict reader.

use std::collections::BTreeMap;
use std::io;
use std::ops::Index;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

/// What stands at the root of every line of a request, in this order.
pub const ROOT: [&str; 12] = [
    "timestamp",
    "level",
    "target",
    "message",
    "service",
    "environment",
    "correlation_id",
    "request_id",
    "trace_id",
    "span_id",
    "method",
    "route",
];

/// A sink that keeps everything.
#[derive(Clone, Debug, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// Returns every byte that was written.
    ///
    /// # Panics
    /// If that is no text.
    #[must_use]
    pub fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(kept.clone()).expect("text")
    }

    /// Returns every line.
    ///
    /// # Panics
    /// If one is no flat JSON object with each key once, or the last one has no end.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.holding("")
    }

    /// Returns the lines with this correlation id.
    ///
    /// # Panics
    /// As [`lines`](Self::lines).
    #[must_use]
    pub fn of(&self, correlation_id: &str) -> Vec<Line> {
        let mut lines = self.holding(correlation_id);
        lines.retain(|line| line.text("correlation_id") == correlation_id);
        lines
    }

    /// Returns the lines by their correlation id.
    ///
    /// # Panics
    /// As [`lines`](Self::lines).
    #[must_use]
    pub fn by_correlation_id(&self) -> BTreeMap<String, Vec<Line>> {
        let mut all: BTreeMap<String, Vec<Line>> = BTreeMap::new();
        for line in self.lines() {
            let id = line.text("correlation_id").to_owned();
            all.entry(id).or_default().push(line);
        }
        all
    }

    fn holding(&self, part: &str) -> Vec<Line> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line");
        text.lines()
            .filter(|line| line.contains(part))
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

/// Shows a panic that is of no request on standard error as well: a test that fails, which the hook
/// of `obs` would say in the captured log alone. To be called after `obs` was installed.
pub fn show_failures() {
    let logs = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if obs::Ctx::current().is_none() {
            eprintln!("{info}");
        }
        logs(info);
    }));
}

/// One line: its keys and values, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Line(Vec<(String, Value)>);

impl Line {
    /// Returns the value of a key, if the line has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(known, _)| known == key)?;
        Some(value)
    }

    /// Returns the text of a key, or an empty one.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the keys in their order.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// Returns whether the line has this message.
    #[must_use]
    pub fn says(&self, message: &str) -> bool {
        self.text("message") == message
    }
}

impl Index<&str> for Line {
    type Output = Value;

    fn index(&self, key: &str) -> &Value {
        self.get(key)
            .unwrap_or_else(|| panic!("no {key} in {self:?}"))
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;

        impl<'de> Visitor<'de> for Keys {
            type Value = Line;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a flat object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Line, A::Error> {
                let mut line = Line(Vec::new());
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    if line.get(&key).is_some() {
                        return Err(Error::custom(format!("{key} twice")));
                    }
                    if value.is_object() || value.is_array() {
                        return Err(Error::custom(format!("{key} is not flat")));
                    }
                    line.0.push((key, value));
                }
                Ok(line)
            }
        }

        deserializer.deserialize_map(Keys)
    }
}
