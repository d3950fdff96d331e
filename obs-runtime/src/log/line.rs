//! One line: what stands at its root, then the fields.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::filter::Targets;

use super::fields::{Clash, Fields};
use super::notation::{Key, Notation, Quoted, dim, painted, pretty_within};
use super::sensitive::SensitiveKeys;
use super::timestamp::{self, Timestamps};
use super::visit::{LogTarget, Reader, Source, Values};
use super::{LogFormat, REQUEST, REQUEST_COMPLETED, TOOL_CALL};
use crate::context::{Annotation, Ctx, MAX_ANNOTATION, Operation};
use crate::job::{JOB, JOB_COMPLETED};
use crate::prefix::prefix_of;
use crate::redact::{REDACTED, Redactor};

/// The most bytes of a line, its end included. Collectors cut or refuse longer ones.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// What the end of a line may need after the fields.
const TAIL: usize = 512;

const MAX_MESSAGE: usize = 32 * 1024;
const MAX_TARGET: usize = 512;
const MAX_NAME: usize = 512;
const MAX_ROUTE: usize = 2 * 1024;

/// How deep lines may be written while a line is written, by a `Display` that logs: one that logs
/// itself would never end.
const MAX_DEPTH: u8 = 2;

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What is equal on every line.
#[derive(Debug)]
pub(super) struct Layout {
    /// What no other log of the process has, not even a later one.
    pub(super) id: u64,
    pub(super) notation: Notation,
    /// Service and environment.
    head: Vec<u8>,
    pub(super) redactor: Arc<Redactor>,
    /// For which targets debugging is on, if somebody said so.
    pub(super) debugged: OnceLock<Targets>,
}

thread_local! {
    static DEPTH: Cell<u8> = const { Cell::new(0) };
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// The memory that a thread writes its lines in, one after the other.
pub(super) struct Scratch {
    pub(super) line: Fields,
    pub(super) value: String,
    pub(super) keys: SensitiveKeys,
    timestamps: Timestamps,
}

/// The right to write a line on this thread.
pub(super) struct Turn {
    scratch: Option<Box<Scratch>>,
}

impl Turn {
    /// Returns `None` where lines are being written in lines already.
    pub(super) fn take() -> Option<Self> {
        let depth = DEPTH.get();
        if depth >= MAX_DEPTH {
            return None;
        }
        DEPTH.set(depth + 1);
        // A line in a line finds none, as does one from the destructor of another thread-local.
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        Some(Self {
            scratch: Some(spare.unwrap_or_else(|| Box::new(Scratch::new()))),
        })
    }

    pub(super) fn scratch(&mut self) -> &mut Scratch {
        self.scratch.get_or_insert_with(|| Box::new(Scratch::new()))
    }

    /// Refuses all lines of this thread from now on.
    pub(super) fn never_again() {
        DEPTH.set(MAX_DEPTH);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
        let scratch = self.scratch.take();
        // At the end of the thread there is nowhere to put it.
        let _ = SPARE.try_with(|spare| spare.set(scratch));
    }
}

impl Scratch {
    fn new() -> Self {
        Self {
            line: Fields::new(Notation::Json, MAX_LINE - TAIL),
            value: String::new(),
            keys: SensitiveKeys::default(),
            timestamps: Timestamps::default(),
        }
    }
}

impl Layout {
    pub(super) fn new(
        format: LogFormat,
        colour: bool,
        service: &str,
        environment: &str,
        redactor: Arc<Redactor>,
    ) -> Self {
        let notation = match format {
            LogFormat::Json => Notation::Json,
            LogFormat::Pretty => Notation::Pretty { colour },
        };
        let mut head = Vec::new();
        if let Notation::Json = notation {
            for (key, value) in [("service", service), ("environment", environment)] {
                notation.key(&mut head, root(key));
                notation.text(&mut head, value, MAX_NAME);
            }
        }
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            notation,
            head,
            redactor,
            debugged: OnceLock::new(),
        }
    }

    /// Whether causes and backtraces are written for what this describes.
    pub(super) fn shows_chains(&self, metadata: &Metadata<'_>) -> bool {
        // Something at this level arrived: it is on.
        *metadata.level() >= Level::DEBUG
            || match self.debugged.get() {
                Some(targets) => targets.would_enable(metadata.target(), &Level::DEBUG),
                None => LevelFilter::current() >= LevelFilter::DEBUG,
            }
    }

    /// Writes the line of an event, up to the fields of its spans.
    pub(super) fn begin(&self, scratch: &mut Scratch, event: &Event<'_>, ctx: Option<&Ctx>) {
        let metadata = event.metadata();
        let Scratch {
            line,
            value,
            keys,
            timestamps,
        } = scratch;
        line.reset(self.notation);
        let is_log_record =
            metadata.target() == "log" && metadata.fields().field("log.target").is_some();
        let stamp = timestamps.text(timestamp::now());
        if is_log_record {
            value.clear();
            event.record(&mut LogTarget(value));
            self.open(&mut line.text, stamp, *metadata.level(), value);
        } else {
            self.open(&mut line.text, stamp, *metadata.level(), metadata.target());
        }
        let mut values = Values {
            redactor: &self.redactor,
            keys: keys.of_log(self.id),
            scratch: value,
            chains: self.shows_chains(metadata),
        };
        let is_whole = values.message(event);
        let is_completion = match metadata.target() {
            REQUEST => *values.scratch == REQUEST_COMPLETED,
            JOB => *values.scratch == JOB_COMPLETED,
            _ => false,
        };
        let (message, _) = values.seen(values.scratch);
        let fits = self.message(&mut line.text, &message);
        line.is_cut = !(is_whole && fits);
        line.text.extend_from_slice(&self.head);
        if let Some(ctx) = ctx {
            self.context(&mut line.text, ctx);
        }
        event.record(&mut Reader {
            fields: line,
            values: &mut values,
            source: if is_log_record {
                Source::LogRecord
            } else {
                Source::Event
            },
        });
        let Some(ctx) = ctx else {
            return;
        };
        operation(line, ctx);
        if let Notation::Json = self.notation
            && matches!(metadata.target(), REQUEST | JOB | TOOL_CALL)
        {
            origin(line, ctx);
        }
        let annotations = if is_completion {
            ctx.annotations()
        } else {
            Vec::new()
        };
        for (key, value) in annotations.into_iter().chain(ctx.all_bound()) {
            annotate(line, &values, &key, value);
        }
    }

    /// Writes the end of a line.
    pub(super) fn end(&self, line: &mut Fields, ctx: Option<&Ctx>) {
        match self.notation {
            Notation::Json => {
                if line.is_cut {
                    line.text.extend_from_slice(b",\"truncated\":true");
                }
                line.text.extend_from_slice(b"}\n");
            }
            Notation::Pretty { colour } => {
                if let Some(ctx) = ctx {
                    dim(&mut line.text, colour, |out| {
                        out.extend_from_slice(b" correlation_id=");
                        out.extend_from_slice(ctx.correlation_id().as_bytes());
                    });
                }
                if line.is_cut {
                    line.text.extend_from_slice(b" truncated=true");
                }
                line.text.push(b'\n');
            }
        }
    }

    /// Writes the line that says how many were dropped.
    pub(super) fn notice(&self, out: &mut Vec<u8>, dropped: u64) {
        let mut line = Fields::new(self.notation, MAX_LINE - TAIL);
        let mut timestamps = Timestamps::default();
        let stamp = timestamps.text(timestamp::now());
        self.open(&mut line.text, stamp, Level::WARN, "obs::log");
        self.message(&mut line.text, "log lines dropped");
        line.text.extend_from_slice(&self.head);
        line.scalar(root("dropped"), dropped, Clash::Replaces);
        self.end(&mut line, None);
        out.extend_from_slice(&line.text);
    }

    fn open(&self, out: &mut Vec<u8>, stamp: &[u8; timestamp::LEN], level: Level, target: &str) {
        match self.notation {
            Notation::Json => {
                out.extend_from_slice(b"{\"timestamp\":\"");
                out.extend_from_slice(stamp);
                out.extend_from_slice(b"\",\"level\":\"");
                out.extend_from_slice(level.as_str().as_bytes());
                out.extend_from_slice(b"\",\"target\":");
                self.notation.text(out, target, MAX_TARGET);
            }
            Notation::Pretty { colour } => {
                dim(out, colour, |out| {
                    // The date is the same on every line that somebody sits in front of.
                    out.extend_from_slice(&stamp[11..23]);
                    out.extend_from_slice(b"Z ");
                });
                out.extend_from_slice(if level.as_str().len() == 4 { b" " } else { b"" });
                painted(out, colour.then(|| code(level)), |out| {
                    out.extend_from_slice(level.as_str().as_bytes());
                });
                out.push(b' ');
                dim(out, colour, |out| {
                    pretty_within(out, target, MAX_TARGET, Quoted::No);
                    out.push(b':');
                });
            }
        }
    }

    fn message(&self, out: &mut Vec<u8>, message: &str) -> bool {
        match self.notation {
            Notation::Json => {
                out.extend_from_slice(b",\"message\":");
                self.notation.text(out, message, MAX_MESSAGE)
            }
            Notation::Pretty { .. } => {
                out.push(b' ');
                pretty_within(out, message, MAX_MESSAGE, Quoted::No)
            }
        }
    }

    /// Writes what is known about the request. The ids need no escaping: see `Id`.
    fn context(&self, out: &mut Vec<u8>, ctx: &Ctx) {
        let request = ctx.request();
        if let Notation::Pretty { .. } = self.notation {
            if let Some(request) = request {
                out.push(b' ');
                out.extend_from_slice(request.method.as_bytes());
                out.push(b' ');
                pretty_within(out, &request.route, MAX_ROUTE, Quoted::No);
            }
            return;
        }
        let id = |out: &mut Vec<u8>, key: &[u8], id: &str| {
            out.extend_from_slice(key);
            out.extend_from_slice(id.as_bytes());
        };
        id(out, b",\"correlation_id\":\"", ctx.correlation_id());
        if let Some(request_id) = ctx.request_id() {
            id(out, b"\",\"request_id\":\"", request_id);
        }
        // The innermost span that is exported, so that the line is found from there.
        let trace = ctx.innermost();
        out.extend_from_slice(b"\",\"trace_id\":\"");
        hex(out, trace.trace_id.to_u128().to_be_bytes());
        out.extend_from_slice(b"\",\"span_id\":\"");
        hex(out, trace.span_id.to_u64().to_be_bytes());
        if let Some(request) = request {
            id(out, b"\",\"method\":\"", request.method);
            out.extend_from_slice(b"\",\"route\":");
            self.notation.text(out, &request.route, MAX_ROUTE);
        } else {
            out.push(b'"');
        }
    }
}

/// A key of `obs`' own.
fn root(name: &str) -> Key<'_> {
    Key {
        prefix: "",
        name,
        suffix: "",
    }
}

/// Says which tool or job the line is of.
fn operation(line: &mut Fields, ctx: &Ctx) {
    // The event may say it itself.
    let clash = Clash::Yields;
    match ctx.operation() {
        Some(Operation::Tool(tool)) => line.text(root("tool"), tool, clash),
        Some(Operation::Job { name, attempt }) => {
            line.text(root("job"), name, clash);
            line.scalar(root("attempt"), u64::from(attempt), clash);
        }
        None => {}
    }
}

/// Says which span the operation is below of, and which it belongs to without being below of it: of
/// lines alone, the tree of the operations can be made again.
fn origin(line: &mut Fields, ctx: &Ctx) {
    for (key, span) in [
        ("parent_span_id", ctx.parent()),
        ("linked_span_id", ctx.link()),
    ] {
        let Some(span) = span else { continue };
        let mut id = Vec::with_capacity(16);
        hex(&mut id, span.span_id.to_u64().to_be_bytes());
        let id = str::from_utf8(&id).unwrap_or_default();
        line.text(root(key), id, Clash::Replaces);
    }
}

fn annotate(line: &mut Fields, values: &Values<'_>, key: &str, value: Annotation) {
    // What the layer says about a request is not to be said otherwise by the request.
    let clash = Clash::Yields;
    let (name, _) = values.seen(key);
    let shown = Key::of(&name);
    let is_sensitive = values.is_sensitive(key);
    match value {
        Annotation::Text(text) if is_sensitive => {
            line.text(shown, &values.hidden(key, &text), clash);
        }
        _ if is_sensitive => line.text(shown, REDACTED, clash),
        Annotation::Text(text) => {
            let (text, _) = values.seen(&text);
            line.text(shown, prefix_of(&text, MAX_ANNOTATION), clash);
        }
        Annotation::Signed(number) => line.scalar(shown, number, clash),
        Annotation::Unsigned(number) => line.scalar(shown, number, clash),
        Annotation::Float(number) => line.scalar(shown, number, clash),
        Annotation::Bool(yes) => line.scalar(shown, yes, clash),
    }
}

fn hex<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.map(|byte| {
        [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]
    });
    out.extend_from_slice(digits.as_flattened());
}

/// The colours that `tracing_subscriber` gave people the habit of.
const fn code(level: Level) -> &'static [u8] {
    match level {
        Level::ERROR => b"31",
        Level::WARN => b"33",
        Level::INFO => b"32",
        Level::DEBUG => b"34",
        Level::TRACE => b"35",
    }
}
