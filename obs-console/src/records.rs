//! The last lines and spans, as JSON: bounded in number and in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use tracing::Level;

/// What each record takes besides its text.
const OVERHEAD: usize = size_of::<Record>();

/// One line or one span.
#[derive(Debug)]
struct Record {
    number: u64,
    level: Level,
    json: Arc<str>,
}

/// The last records of a kind.
#[derive(Debug)]
pub(crate) struct Records {
    kept: VecDeque<Record>,
    bytes: usize,
    next: u64,
    pushed_out: u64,
    most: usize,
    max_bytes: usize,
}

impl Records {
    pub(crate) const fn new(most: usize, max_bytes: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            next: 1,
            pushed_out: 0,
            most,
            max_bytes,
        }
    }

    /// Keeps a record; the oldest make room.
    pub(crate) fn push(&mut self, level: Level, json: Arc<str>) {
        let number = self.next;
        self.next += 1;
        let bytes = json.len() + OVERHEAD;
        if bytes > self.max_bytes || self.most == 0 {
            self.pushed_out += 1;
            return;
        }
        while self.kept.len() >= self.most || self.bytes + bytes > self.max_bytes {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.json.len() + OVERHEAD;
            self.pushed_out += 1;
        }
        self.bytes += bytes;
        self.kept.push_back(Record {
            number,
            level,
            json,
        });
    }

    /// Returns the number of the youngest record that there ever was.
    pub(crate) const fn last(&self) -> u64 {
        self.next - 1
    }

    /// Returns how many there are no more.
    pub(crate) const fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns the youngest records behind a number, the oldest of them first.
    pub(crate) fn after(&self, number: u64, level: Level, limit: usize) -> Vec<Arc<str>> {
        let wanted = self
            .kept
            .iter()
            .rev()
            .take_while(|record| record.number > number)
            .filter(|record| record.level <= level)
            .take(limit);
        let mut wanted: Vec<_> = wanted.map(|record| Arc::clone(&record.json)).collect();
        wanted.reverse();
        wanted
    }

    /// Returns all records, the oldest first. They are looked through when nobody waits to add one.
    pub(crate) fn all(&self) -> Vec<Arc<str>> {
        let all = self.kept.iter();
        all.map(|record| Arc::clone(&record.json)).collect()
    }
}

/// Returns the records of a correlation id as a JSON array, and whether these are all: of too many the
/// oldest are left out, because what others are within ends last.
///
/// The id must be one that `obs` accepts: a quote in it would end the text that is looked for.
pub(crate) fn of(records: &[Arc<str>], correlation_id: &str, max_bytes: usize) -> (String, bool) {
    // In a value, the quotes would be escaped; and no field of a user's has this key.
    let needle = format!(r#""correlation_id":"{correlation_id}""#);
    let mut room = max_bytes;
    let mut is_whole = true;
    let mut found: Vec<Arc<str>> = Vec::new();
    for record in records.iter().rev().filter(|it| it.contains(&needle)) {
        let Some(left) = room.checked_sub(record.len() + 1) else {
            is_whole = false;
            break;
        };
        room = left;
        found.push(Arc::clone(record));
    }
    found.reverse();
    (array(&found), is_whole)
}

/// Returns records as a JSON array.
pub(crate) fn array(records: &[Arc<str>]) -> String {
    let records: Vec<&str> = records.iter().map(|record| &**record).collect();
    format!("[{}]", records.join(","))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{OVERHEAD, Records, array, of};
    use tracing::Level;

    fn texts(records: &[Arc<str>]) -> Vec<String> {
        serde_json::from_str(&array(records)).unwrap()
    }

    #[test]
    fn the_oldest_make_room_by_number_and_are_counted() {
        let mut records = Records::new(3, 1 << 20);
        for text in ["a", "b", "c", "d", "e"] {
            records.push(Level::INFO, format!("{text:?}").into());
        }
        assert_eq!(texts(&records.after(0, Level::TRACE, 9)), ["c", "d", "e"]);
        assert_eq!(
            (records.pushed_out(), records.last(), records.len()),
            (2, 5, 3)
        );
    }

    #[test]
    fn the_oldest_make_room_by_bytes_and_what_never_fits_is_not_kept() {
        let mut records = Records::new(100, 2 * (OVERHEAD + 10));
        for text in ["aaaaaaaa", "bbbbbbbb", "cccccccc"] {
            records.push(Level::INFO, format!("{text:?}").into());
        }
        assert_eq!(texts(&records.after(0, Level::TRACE, 9)).len(), 2);
        assert_eq!(records.bytes(), 2 * (OVERHEAD + 10));
        records.push(Level::INFO, format!("{:?}", "x".repeat(1000)).into());
        assert_eq!(records.len(), 2, "it pushed nothing out");
        assert_eq!(records.pushed_out(), 2);
    }

    #[test]
    fn those_behind_a_number_and_above_a_level_come_oldest_first_and_no_more_than_asked_for() {
        let mut records = Records::new(100, 1 << 20);
        for (n, level) in [Level::INFO, Level::ERROR, Level::DEBUG, Level::WARN]
            .into_iter()
            .enumerate()
        {
            records.push(level, format!("\"{n}\"").into());
        }
        assert_eq!(texts(&records.after(1, Level::TRACE, 9)), ["1", "2", "3"]);
        assert_eq!(texts(&records.after(0, Level::WARN, 9)), ["1", "3"]);
        assert_eq!(texts(&records.after(0, Level::TRACE, 2)), ["2", "3"]);
        assert_eq!(array(&records.after(4, Level::TRACE, 9)), "[]");
    }

    #[test]
    fn a_correlation_id_is_found_as_such_and_not_in_what_a_text_says() {
        let mut records = Records::new(100, 1 << 20);
        for json in [
            r#"{"message":"a","correlation_id":"id-1"}"#,
            r#"{"message":"\"correlation_id\":\"id-1\"","correlation_id":"id-2"}"#,
            r#"{"message":"b","field_correlation_id":"id-1","correlation_id":"id-10"}"#,
            r#"{"message":"c","correlation_id":"id-1"}"#,
        ] {
            records.push(Level::INFO, json.into());
        }
        let (found, is_whole) = of(&records.all(), "id-1", 1 << 20);
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found[0]["message"], "a");
        assert_eq!(found[1]["message"], "c");
        assert_eq!(found.as_array().unwrap().len(), 2);
        assert!(is_whole);
        let (found, is_whole) = of(&records.all(), "id-1", 50);
        assert!(found.contains("\"c\"") && !found.contains("\"a\""));
        assert!(!is_whole);
    }
}
