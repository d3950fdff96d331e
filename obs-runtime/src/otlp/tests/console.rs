//! Spans for people.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use opentelemetry::KeyValue;
use opentelemetry::trace::Link;

use super::{context, span};
use crate::log::LogFormat;
use crate::otlp::console::Console;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written(format: LogFormat) -> String {
    let mut one = span(7, 2, Some(1), true);
    one.name = "a\u{1b}[31m\nb".into();
    one.attributes.push(KeyValue::new("n", 7));
    one.attributes.push(KeyValue::new("text", "x\ny"));
    one.links
        .links
        .push(Link::with_context(context(8, 9, true)));
    let sink = Sink::default();
    let mut console = Console {
        format,
        out: Box::new(sink.clone()),
    };
    assert!(console.write(&[one]));
    let bytes = sink.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_span_is_one_json_object_in_a_line() {
    let text = written(LogFormat::Json);
    assert_eq!(text.lines().count(), 1);
    let span: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(span["span"], "a\u{1b}[31m\nb");
    assert_eq!(span["timestamp"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(span["trace_id"], format!("{:032x}", 7));
    assert_eq!(span["parent_span_id"], format!("{:016x}", 1));
    assert_eq!(span["status"], "error");
    assert_eq!(span["attributes"]["n"], 7);
    assert_eq!(span["links"][0]["span_id"], format!("{:016x}", 9));
}

#[test]
fn words_for_people_hold_nothing_that_a_terminal_obeys() {
    let text = written(LogFormat::Pretty);
    assert!(
        text.starts_with("1970-01-01T00:00:00.000000Z span internal a\\u{1b}[31m\\nb 0ns error\n")
    );
    assert!(text.contains("\n    text=x\\ny\n"), "{text}");
    assert!(!text.contains('\u{1b}'));
}
