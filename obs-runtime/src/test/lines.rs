//! The log lines of a test.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// The log lines of one test, in the order in which they were written; a snapshot.
///
/// `Display` writes one line for each, as the log has it.
///
/// # Example
/// ```standalone_crate
/// # use obs_runtime as obs;
/// # let t = obs::test::TestObs::start(obs::service!(), "lines", &[]);
/// t.run_sync(|| tracing::warn!(order = 7, "order refused"));
/// t.logs().assert_one("order refused").field("order", 7);
/// t.logs().assert_none("order paid");
/// ```
#[derive(Clone, Debug)]
pub struct LogLines {
    lines: Arc<[Value]>,
}

/// One log line; made by [`LogLines::assert_one`] and [`LogLines::iter`].
#[derive(Clone, Debug)]
pub struct LogLine {
    lines: LogLines,
    at: usize,
}

impl LogLines {
    pub(super) fn read(written: &[u8]) -> Self {
        let lines = written
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| {
                serde_json::from_slice(line)
                    // Not to be lost in silence.
                    .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(line).into_owned()))
            })
            .collect();
        Self { lines }
    }

    /// Returns the number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns whether nothing was logged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the lines.
    pub fn iter(&self) -> impl Iterator<Item = LogLine> {
        (0..self.len()).map(|at| LogLine {
            lines: self.clone(),
            at,
        })
    }

    /// Returns the lines as JSON objects.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.lines
    }

    /// Returns the lines that have this message.
    #[must_use]
    pub fn with_message(&self, message: &str) -> Vec<LogLine> {
        self.iter()
            .filter(|line| line.message() == message)
            .collect()
    }

    /// Asserts that exactly one line has this message, and returns it.
    ///
    /// # Panics
    /// If none has, or several have; the message shows all lines.
    #[track_caller]
    pub fn assert_one(&self, message: &str) -> LogLine {
        let mut found = self.with_message(message);
        let count = found.len();
        match (found.pop(), count) {
            (Some(line), 1) => line,
            _ => panic!("{count} log lines say {message:?}, and one was expected; {self}"),
        }
    }

    /// Asserts that no line has this message.
    ///
    /// # Panics
    /// If one has; the message shows all lines.
    #[track_caller]
    pub fn assert_none(&self, message: &str) {
        let count = self.with_message(message).len();
        assert!(
            count == 0,
            "{count} log lines say {message:?}, and none was expected; {self}"
        );
    }
}

impl LogLine {
    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.get("message")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns the level: `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    #[must_use]
    pub fn level(&self) -> &str {
        self.get("level")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Returns a field, or `None` where the line has none of this name.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.lines.lines.get(self.at)?.get(field)
    }

    /// Asserts that a field has this value.
    ///
    /// # Panics
    /// If it has another, or is not there; the message shows all lines.
    #[track_caller]
    pub fn field(&self, field: &str, expected: impl Into<Value>) -> &Self {
        if let Err(why) = check(self.get(field), field, &expected.into()) {
            panic!("{why} of the log line {:?}; {}", self.message(), self.lines);
        }
        self
    }

    /// Asserts that the line has no field of this name.
    ///
    /// # Panics
    /// If it has one; the message shows all lines.
    #[track_caller]
    pub fn no_field(&self, field: &str) -> &Self {
        if let Some(found) = self.get(field) {
            panic!(
                "`{field}` of the log line {:?} is {found}, and none was expected; {}",
                self.message(),
                self.lines
            );
        }
        self
    }

    /// Returns the whole line.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.lines.lines.get(self.at).unwrap_or(&Value::Null)
    }
}

impl fmt::Display for LogLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("nothing was logged");
        }
        f.write_str("what was logged:")?;
        for line in &*self.lines {
            write!(f, "\n  {}", Shown(line))?;
        }
        Ok(())
    }
}

/// A line with what people look for first: level, message, then the rest.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Fields that are written first, or that say the same on every line of a test.
        const ELSEWHERE: [&str; 5] = ["timestamp", "level", "message", "service", "environment"];

        let Value::Object(fields) = self.0 else {
            return write!(f, "{}", self.0);
        };
        let text = |key: &str| fields.get(key).and_then(Value::as_str).unwrap_or_default();
        write!(f, "{:5} {}", text("level"), text("message"))?;
        let rest = |(key, _): &(&String, &Value)| !ELSEWHERE.contains(&key.as_str());
        write_fields(f, fields.iter().filter(rest))
    }
}

pub(super) fn write_fields<'a>(
    f: &mut fmt::Formatter<'_>,
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
) -> fmt::Result {
    for (key, value) in fields {
        write!(f, " {key}={value}")?;
    }
    Ok(())
}

/// Compares a field with what is expected of it; says what is wrong.
pub(super) fn check(found: Option<&Value>, field: &str, expected: &Value) -> Result<(), String> {
    match found {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(format!(
            "{found} is the field `{field}`, where {expected} was expected,"
        )),
        None => Err(format!(
            "there is no field `{field}`, where {expected} was expected,"
        )),
    }
}
