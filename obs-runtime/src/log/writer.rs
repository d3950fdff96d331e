//! The thread that writes: the only one that ever waits for the sink.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::line::{Layout, Turn};
use super::queue::{Batch, ERROR_KINDS, Queue, Settled};
use crate::call::forget;

/// Bytes given to the sink at once: between two of these it can be seen how far it is.
const CHUNK: usize = 64 * 1024;

/// Interruptions in a row that are believed.
const MAX_INTERRUPTIONS: u32 = 1_000;

/// Pauses while a sink that does not block has no room.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// How long a closed log waits for such a sink: about five seconds.
const MAX_PAUSES_WHEN_CLOSED: u32 = 100;

/// Starts the thread. It is never joined: one that hangs in the kernel must not stop the process
/// from ending.
pub(super) fn start(
    queue: Arc<Queue>,
    layout: Arc<Layout>,
    sink: Box<dyn Write + Send>,
) -> io::Result<()> {
    thread::Builder::new()
        .name("obs-log".to_owned())
        .spawn(move || {
            // Lines about writing lines would never end.
            Turn::never_again();
            Writer {
                queue: &queue,
                layout: &layout,
                sink,
                torn: None,
            }
            .run();
        })
        .map(drop)
}

struct Writer<'a> {
    queue: &'a Queue,
    layout: &'a Layout,
    sink: Box<dyn Write + Send>,
    torn: Option<Torn>,
}

/// The rest of a line whose beginning is in the sink. It comes before everything else, or else the
/// next line would not stand on its own.
struct Torn {
    rest: Vec<u8>,
    line: Line,
}

#[derive(Clone, Copy)]
enum Line {
    Logged,
    /// Tells of so many dropped lines.
    Notice(u64),
}

/// Where writing stopped, and why.
struct Failure {
    written: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    BrokenPipe,
    NoSpace,
    WouldBlock,
    BadDescriptor,
    Interrupted,
    WriteZero,
    Panicked,
    Other,
}

const _: () = assert!(Kind::Other as usize + 1 == ERROR_KINDS.len());

impl Kind {
    fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoSpace,
            io::ErrorKind::WouldBlock => Self::WouldBlock,
            io::ErrorKind::Interrupted => Self::Interrupted,
            io::ErrorKind::WriteZero => Self::WriteZero,
            // EBADF has no kind of its own.
            _ if cfg!(unix) && error.raw_os_error() == Some(9) => Self::BadDescriptor,
            _ => Self::Other,
        }
    }
}

impl Writer<'_> {
    fn run(mut self) {
        let mut batch = Batch::default();
        while self.queue.take(&mut batch).is_some() {
            let settled = self.write(&mut batch);
            self.queue.settle(&batch, &settled);
        }
        if let Some(torn) = self.torn.take() {
            let settled = lost(torn.line);
            self.queue.settle(&batch, &settled);
        }
        // Its drop is somebody else's code.
        let sink = self.sink;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(sink))) {
            forget(panic);
        }
        self.queue.end();
    }

    fn write(&mut self, batch: &mut Batch) -> Settled {
        let mut settled = Settled::default();
        if self.finish_torn(&mut settled) {
            if batch.unsaid > 0 {
                self.layout.notice(&mut batch.text, batch.unsaid);
            }
            match self.give(&batch.text) {
                Ok(()) => settled.written += batch.lines,
                Err(failure) => self.part_of(batch, &failure, &mut settled),
            }
        } else {
            settled.failed += batch.lines;
            settled.unsaid += batch.unsaid + batch.lines;
        }
        settled
    }

    /// Writes the rest of a torn line; returns whether the sink is free for others.
    fn finish_torn(&mut self, settled: &mut Settled) -> bool {
        let Some(mut torn) = self.torn.take() else {
            return true;
        };
        match self.give(&torn.rest) {
            Ok(()) => {
                if let Line::Logged = torn.line {
                    settled.written += 1;
                }
                true
            }
            Err(failure) => {
                torn.rest.drain(..failure.written);
                self.keep(torn, failure.kind, settled);
                false
            }
        }
    }

    /// Settles a batch of which a part was written.
    fn part_of(&mut self, batch: &Batch, failure: &Failure, settled: &mut Settled) {
        let (written, rest) = batch.text.split_at(failure.written);
        // Lines hold no other newlines: they are escaped.
        let whole = written.split(|byte| *byte == b'\n').skip(1).count() as u64;
        let is_torn = written.last().is_some_and(|byte| *byte != b'\n');
        settled.written += whole.min(batch.lines);
        let mut failed = batch.lines.saturating_sub(whole);
        let mut is_said = whole > batch.lines;
        if is_torn {
            let end = rest.iter().position(|byte| *byte == b'\n');
            let rest = rest.get(..=end.unwrap_or(0)).unwrap_or_default().to_vec();
            let line = if whole < batch.lines {
                failed -= 1;
                Line::Logged
            } else {
                is_said = true;
                Line::Notice(batch.unsaid)
            };
            self.keep(Torn { rest, line }, failure.kind, settled);
        }
        settled.failed += failed;
        settled.unsaid += failed + if is_said { 0 } else { batch.unsaid };
    }

    /// Keeps the rest of a line, unless there is nobody any more who has its beginning.
    fn keep(&mut self, torn: Torn, kind: Kind, settled: &mut Settled) {
        if kind == Kind::BrokenPipe {
            let gone = lost(torn.line);
            settled.failed += gone.failed;
            settled.unsaid += gone.unsaid;
        } else {
            self.torn = Some(torn);
        }
    }

    /// Gives bytes to the sink, as often as it takes.
    fn give(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut written = 0;
        let (mut interruptions, mut pauses, mut pause) = (0, 0, FIRST_PAUSE);
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            let chunk = rest.get(..CHUNK).unwrap_or(rest);
            let kind = match contained(|| self.sink.write(chunk)) {
                Ok(0) => Kind::WriteZero,
                Ok(taken) => {
                    written += taken.min(chunk.len());
                    (interruptions, pauses, pause) = (0, 0, FIRST_PAUSE);
                    continue;
                }
                Err(kind) => kind,
            };
            match kind {
                Kind::Interrupted if interruptions < MAX_INTERRUPTIONS => interruptions += 1,
                Kind::WouldBlock if pauses < MAX_PAUSES_WHEN_CLOSED || !self.queue.is_closed() => {
                    if pauses == 0 {
                        self.count(kind);
                    }
                    pauses += 1;
                    thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                kind => {
                    self.count(kind);
                    return Err(Failure { written, kind });
                }
            }
        }
        // What a buffering sink says here came too late for the lines, which it took.
        match contained(|| self.sink.flush()) {
            Ok(()) | Err(Kind::Interrupted | Kind::WouldBlock) => {}
            Err(kind) => self.count(kind),
        }
        Ok(())
    }

    fn count(&self, kind: Kind) {
        self.queue.count_error(kind as usize);
    }
}

/// What it means that a line cannot be ended.
fn lost(line: Line) -> Settled {
    match line {
        Line::Logged => Settled {
            failed: 1,
            unsaid: 1,
            ..Settled::default()
        },
        Line::Notice(dropped) => Settled {
            unsaid: dropped,
            ..Settled::default()
        },
    }
}

/// Calls the sink, which may be somebody else's code.
fn contained<T>(call: impl FnOnce() -> io::Result<T>) -> Result<T, Kind> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|error| Kind::of(&error)),
        Err(panic) => {
            forget(panic);
            Err(Kind::Panicked)
        }
    }
}
