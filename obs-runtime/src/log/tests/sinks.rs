//! Sinks that are slow, full, broken or gone, and the queue before them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::strict::{self, Object};
use super::{Memory, PATIENCE, start, start_with, subscriber};
use crate::catalog::{Families, Part, Totals, Value};
use crate::log::Logs;
use crate::log::queue::Counts;

const BROKEN_PIPE: usize = 0;
const NO_SPACE: usize = 1;
const WOULD_BLOCK: usize = 2;
const BAD_DESCRIPTOR: usize = 3;
const INTERRUPTED: usize = 4;
const WRITE_ZERO: usize = 5;
const PANICKED: usize = 6;

fn log(logs: &Logs, lines: u32) {
    tracing::dispatcher::with_default(&subscriber(logs), || {
        for n in 0..lines {
            tracing::info!(n, "line");
        }
    });
}

fn counts(logs: &Logs) -> Counts {
    logs.log.queue.counts()
}

/// How many of the lines were logged, and how many dropped ones they tell of.
fn tally(lines: &[Object]) -> (u64, u64) {
    let is_notice = |line: &&Object| line["target"] == json!("obs::log");
    let notices: Vec<&Object> = lines.iter().filter(is_notice).collect();
    for notice in &notices {
        assert_eq!(notice["level"], json!("WARN"));
        assert_eq!(notice["message"], json!("log lines dropped"));
        assert_eq!(notice["service"], json!("shop"));
    }
    let told = notices.iter().map(|line| line["dropped"].as_u64().unwrap());
    ((lines.len() - notices.len()) as u64, told.sum())
}

/// A sink that waits until it is opened.
#[derive(Clone, Default)]
struct Gate {
    is_open: Arc<(Mutex<bool>, Condvar)>,
    behind: Memory,
}

impl Gate {
    fn open(&self) {
        *self.is_open.0.lock().unwrap() = true;
        self.is_open.1.notify_all();
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (is_open, opened) = &*self.is_open;
        let guard = opened.wait_while(is_open.lock().unwrap(), |is_open| !*is_open);
        drop(guard.unwrap());
        self.behind.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn f1_a_pipe_that_nobody_reads_stops_neither_the_service_nor_its_end() {
    const LINES: u32 = 10_000;
    let (mut reader, writer) = io::pipe().unwrap();
    let logs = start_with(writer, 256 * 1024);
    log(&logs, LINES);
    let begin = Instant::now();
    let flushed = logs.flush(Duration::from_millis(20));
    assert!(begin.elapsed() < PATIENCE / 2);
    assert!(!flushed.complete);
    let dropped = counts(&logs).dropped[0];
    assert!(dropped > 0);

    // Then somebody reads.
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    let flushed = logs.close(PATIENCE);
    assert_eq!((flushed.dropped, flushed.complete), (dropped, true));
    drop(logs);
    let text = reading.join().unwrap();
    let lines: Vec<Object> = text.lines().map(strict::parse).collect();
    assert_eq!(tally(&lines), (u64::from(LINES) - dropped, dropped));
}

#[test]
fn f3_of_a_burst_every_line_is_written_or_counted() {
    const LINES: u32 = 50_000;
    const CAPACITY: usize = 256 * 1024;
    let gate = Gate::default();
    let logs = start_with(gate.clone(), CAPACITY);
    log(&logs, LINES);
    let before = counts(&logs);
    assert!(before.dropped[0] > 0);
    gate.open();
    let flushed = logs.flush(PATIENCE);
    assert!(flushed.complete);
    let text = gate.behind.text();
    // What waited and what the writer had.
    assert!(text.len() < 2 * CAPACITY + 1_024);
    let lines = gate.behind.objects();
    let (written, told) = tally(&lines);
    assert_eq!(written + flushed.dropped, u64::from(LINES));
    assert_eq!(told, flushed.dropped);
    assert_eq!(counts(&logs).written, written);
    assert_eq!(counts(&logs).levels, [0, 0, u64::from(LINES), 0, 0]);

    // Once there is room, nothing is dropped.
    log(&logs, 10);
    assert_eq!(logs.flush(PATIENCE).dropped, flushed.dropped);
    assert_eq!(tally(&gate.behind.objects()), (written + 10, told));
}

#[test]
fn a_flood_of_lesser_lines_leaves_room_for_errors() {
    let gate = Gate::default();
    let logs = start_with(gate.clone(), 64 * 1024);
    log(&logs, 5_000);
    tracing::dispatcher::with_default(&subscriber(&logs), || tracing::error!("failed"));
    gate.open();
    assert!(logs.flush(PATIENCE).complete);
    let lines = gate.behind.objects();
    assert!(lines.iter().any(|line| line["message"] == json!("failed")));
}

#[test]
fn f5_lines_of_sixteen_threads_are_whole_and_in_order() {
    const THREADS: usize = 16;
    const LINES: u64 = 10_000;
    let memory = Memory::default();
    let logs = start(memory.clone());
    let dispatch = subscriber(&logs);
    std::thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let dispatch = &dispatch;
            scope.spawn(move || {
                tracing::dispatcher::with_default(dispatch, || {
                    for n in 0..LINES {
                        tracing::info!(thread, n, "line {n} of {thread}");
                    }
                });
            });
        }
    });
    let flushed = logs.flush(PATIENCE);
    assert!(flushed.complete);
    let lines = memory.objects();
    let (written, told) = tally(&lines);
    assert_eq!(written + flushed.dropped, THREADS as u64 * LINES);
    assert_eq!(told, flushed.dropped);
    let mut next = [0; THREADS];
    for line in lines.iter().filter(|line| line.get("thread").is_some()) {
        let (thread, n) = (
            line["thread"].as_u64().unwrap(),
            line["n"].as_u64().unwrap(),
        );
        assert_eq!(line["message"], json!(format!("line {n} of {thread}")));
        let next = &mut next[usize::try_from(thread).unwrap()];
        assert!(n >= *next, "thread {thread} went back from {next} to {n}");
        *next = n + 1;
    }
}

/// What a sink says to one write.
#[derive(Clone, Copy)]
enum Says {
    Takes(usize),
    /// An error of the operating system (the numbers are those of Linux).
    Errno(i32),
    Panics,
}

/// A sink that takes one write when it is told to, then follows a script, then takes everything.
struct Scripted {
    first: Option<(Sender<()>, Receiver<()>)>,
    script: VecDeque<Says>,
    memory: Memory,
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((began, go_on)) = self.first.take() {
            began.send(()).unwrap();
            go_on.recv().unwrap();
            return self.memory.write(bytes);
        }
        match self.script.pop_front() {
            None => self.memory.write(bytes),
            Some(Says::Takes(len)) => self.memory.write(&bytes[..len.min(bytes.len())]),
            Some(Says::Errno(number)) => Err(io::Error::from_raw_os_error(number)),
            Some(Says::Panics) => panic!("in the sink"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs one line, three at once into a sink that follows a script from there, and two more.
fn scripted(script: &[Says]) -> (Memory, Counts) {
    let memory = Memory::default();
    let (began, begins) = channel();
    let (go_on, goes_on) = channel();
    let logs = start(Scripted {
        first: Some((began, goes_on)),
        script: script.iter().copied().collect(),
        memory: memory.clone(),
    });
    log(&logs, 1);
    // While the writer is busy with the first, the three become one batch.
    begins.recv().unwrap();
    log(&logs, 3);
    go_on.send(()).unwrap();
    // The second one is a round of its own for what the first could not write.
    logs.flush(PATIENCE);
    logs.flush(PATIENCE);
    log(&logs, 2);
    assert!(logs.flush(PATIENCE).complete);
    (memory, counts(&logs))
}

#[cfg(target_os = "linux")]
#[test]
fn f2_a_sink_that_fails_is_counted_and_used_again_when_it_recovers() {
    use Says::{Errno, Panics, Takes};
    let (epipe, enospc, eagain, ebadf, eintr, eio) = (
        Errno(32),
        Errno(28),
        Errno(11),
        Errno(9),
        Errno(4),
        Errno(5),
    );
    // What the sink says, what is counted, and how many of the three lines are lost.
    let rows: [(&[Says], Option<usize>, u64); 13] = [
        (&[epipe], Some(BROKEN_PIPE), 3),
        (&[enospc], Some(NO_SPACE), 3),
        (&[ebadf], Some(BAD_DESCRIPTOR), 3),
        (&[eio], Some(7), 3),
        (&[Takes(0)], Some(WRITE_ZERO), 3),
        (&[Panics], Some(PANICKED), 3),
        (&[eagain, eagain, eagain], Some(WOULD_BLOCK), 0),
        (&[eintr, eintr], None, 0),
        (&[Takes(1), Takes(1), Takes(1), eintr, Takes(1)], None, 0),
        // In the middle of the first line: its end comes before anything else.
        (&[Takes(7), enospc], Some(NO_SPACE), 2),
        // And once more in the middle of its end.
        (&[Takes(7), enospc, Takes(3), enospc], Some(NO_SPACE), 2),
        (&[Takes(7), Panics], Some(PANICKED), 2),
        (&[Takes(7), eagain, Takes(9), eagain], Some(WOULD_BLOCK), 0),
    ];
    for (row, (script, kind, lost)) in rows.into_iter().enumerate() {
        let (memory, counts) = scripted(script);
        let lines = memory.objects();
        assert_eq!(tally(&lines), (6 - lost, lost), "row {row}");
        assert_eq!(counts.dropped[2], lost, "row {row}");
        assert_eq!(counts.written, 6 - lost, "row {row}");
        for (index, count) in counts.errors.into_iter().enumerate() {
            assert_eq!(count > 0, Some(index) == kind, "row {row}, kind {index}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn f2_a_sink_that_is_interrupted_for_ever_does_not_hang_the_log() {
    let (_, counts) = scripted(&[Says::Errno(4); 1_001]);
    assert_eq!(counts.errors[INTERRUPTED], 1);
    assert_eq!((counts.written, counts.dropped[2]), (3, 3));
}

#[cfg(target_os = "linux")]
#[test]
fn f2_a_reader_that_left_in_the_middle_of_a_line_leaves_no_half_for_the_next() {
    let (memory, counts) = scripted(&[Says::Takes(7), Says::Errno(32)]);
    assert_eq!((counts.written, counts.dropped[2]), (3, 3));
    let text = memory.text();
    let first = text.find('\n').unwrap() + 1;
    let rest = &text[first + 7..];
    let after: Vec<Object> = rest.lines().map(strict::parse).collect();
    assert_eq!(tally(&after), (2, 3));
}

#[cfg(target_os = "linux")]
#[test]
fn f2_real_descriptors_fail_without_a_panic_or_a_hang() {
    let reader_gone = {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        File::from(std::os::fd::OwnedFd::from(writer))
    };
    let full = File::options().write(true).open("/dev/full").unwrap();
    let not_for_writing = File::open("/dev/null").unwrap();
    for (sink, kind) in [
        (reader_gone, BROKEN_PIPE),
        (full, NO_SPACE),
        (not_for_writing, BAD_DESCRIPTOR),
    ] {
        let logs = start(sink);
        log(&logs, 100);
        let flushed = logs.close(PATIENCE);
        assert_eq!((flushed.dropped, flushed.complete), (100, true));
        assert!(counts(&logs).errors[kind] > 0);
    }
}

#[cfg(unix)]
#[test]
fn f2_a_descriptor_that_does_not_block_gets_every_line_in_the_end() {
    const LINES: u32 = 5_000;
    let (writer, mut reader) = std::os::unix::net::UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    let logs = start(writer);
    log(&logs, LINES);
    // Nobody reads yet: the socket's buffer holds less than this.
    assert!(!logs.flush(Duration::from_millis(20)).complete);
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    let flushed = logs.close(PATIENCE);
    assert_eq!((flushed.dropped, flushed.complete), (0, true));
    assert!(counts(&logs).errors[WOULD_BLOCK] > 0);
    drop(logs);
    let text = reading.join().unwrap();
    let lines: Vec<Object> = text.lines().map(strict::parse).collect();
    assert_eq!(tally(&lines), (u64::from(LINES), 0));
}

#[test]
fn a_sink_that_logs_does_not_feed_itself() {
    struct Logs(tracing::Dispatch, Memory);
    impl Write for Logs {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            tracing::dispatcher::with_default(&self.0, || tracing::info!("wrote"));
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let memory = Memory::default();
    let (inner, outer) = (Memory::default(), memory.clone());
    let target = start(inner.clone());
    let logs = start(Logs(subscriber(&target), outer));
    log(&logs, 1);
    assert!(logs.flush(PATIENCE).complete);
    assert!(target.flush(PATIENCE).complete);
    assert_eq!(tally(&memory.objects()), (1, 0));
    // No line from a writer's thread, whichever log it belongs to.
    assert_eq!(counts(&target).dropped[3], counts(&target).levels[2]);
    assert_eq!(tally(&inner.objects()).0, 0);
}

#[test]
fn after_the_close_lines_are_counted_as_dropped() {
    let memory = Memory::default();
    let logs = start(memory.clone());
    log(&logs, 2);
    let flushed = logs.close(PATIENCE);
    assert_eq!((flushed.dropped, flushed.complete), (0, true));
    log(&logs, 3);
    for flushed in [logs.flush(PATIENCE), logs.close(PATIENCE)] {
        assert_eq!((flushed.dropped, flushed.complete), (3, true));
    }
    assert_eq!(counts(&logs).dropped, [0, 3, 0, 0]);
    assert_eq!(tally(&memory.objects()), (2, 0));
}

#[test]
fn the_last_lines_are_written_when_everybody_has_let_go_of_the_log() {
    struct Last(
        Memory,
        #[expect(dead_code, reason = "its drop tells of the end")] Sender<()>,
    );
    impl Write for Last {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let memory = Memory::default();
    let (ended, end) = channel();
    let logs = start(Last(memory.clone(), ended));
    log(&logs, 100);
    drop(logs);
    // The sender is dropped with the sink, at the end of the thread.
    assert!(end.recv().is_err());
    assert_eq!(tally(&memory.objects()), (100, 0));
}

#[test]
fn the_families_tell_what_became_of_the_lines() {
    let gate = Gate::default();
    let logs = start_with(gate.clone(), 4 * 1024);
    tracing::dispatcher::with_default(&subscriber(&logs), || {
        for _ in 0..100 {
            tracing::warn!("line");
        }
        tracing::trace!("line");
    });
    gate.open();
    let dropped = logs.flush(PATIENCE).dropped;
    let mut families = Families::default();
    logs.collect(&Totals::now(), &mut families);
    let families = families.finish();
    let names: Vec<&str> = families.iter().map(|family| &*family.name).collect();
    assert_eq!(
        names,
        [
            "obs_log_errors_total",
            "obs_log_lines_dropped_total",
            "obs_log_lines_total"
        ]
    );
    let value = |family: usize, label: &str| {
        let sample = families[family]
            .samples
            .iter()
            .find(|sample| sample.labels[0].1 == label);
        sample.unwrap().value.clone()
    };
    assert_eq!(value(1, "full"), Value::Unsigned(dropped));
    assert_eq!(value(1, "closed"), Value::Unsigned(0));
    assert_eq!(value(2, "warn"), Value::Unsigned(100));
    assert_eq!(value(2, "trace"), Value::Unsigned(1));
    assert_eq!(value(0, "no_space"), Value::Unsigned(0));
}
