//! The thread that exports: batch after batch, again and again where a collector does not answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use opentelemetry::Context;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use tokio::runtime::{Builder, Runtime};
use tracing::{Dispatch, dispatcher};

use super::console::Console;
use super::counts::Dropped;
use super::deliver::{Answer, Deliver};
use super::queue::{Hurry, Queue, after};
use super::scrub::scrub;
use super::trouble::{Said, Troubles};
use crate::call::{contained, forget};
use crate::redact::Redactor;

/// The pause after a failure; each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// No pause is longer, whatever the collector asks for: within this time and that of one attempt,
/// spans arrive again once it is back.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// No pause is longer while somebody waits.
const HURRIED_PAUSE: Duration = Duration::from_millis(200);

/// Failures in a row after which a stop gives up all that is left.
const MAX_FAILURES_AT_STOP: u32 = 3;

/// What lies between two batches of those that piled up while the collector was away.
const BACKLOG_PAUSE: Duration = Duration::from_secs(1);

/// What the thread works with.
pub(super) struct Worker {
    pub(super) queue: Arc<Queue>,
    pub(super) deliver: Option<Deliver>,
    pub(super) console: Option<Console>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) resource: ResourceAttributesWithSchema,
    /// Of one attempt.
    pub(super) attempt_timeout: Duration,
    /// Of all attempts at a batch.
    pub(super) batch_timeout: Duration,
}

impl Worker {
    /// Starts the thread. It is never joined: it may be waiting for a collector, and ends with the
    /// process.
    pub(super) fn start(self) -> io::Result<()> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name("obs-traces-dns")
            .max_blocking_threads(1)
            .build()?;
        thread::Builder::new()
            .name("obs-traces".to_owned())
            .spawn(move || run(&runtime, self))?;
        Ok(())
    }
}

fn run(runtime: &Runtime, worker: Worker) {
    let queue = Arc::clone(&worker.queue);
    let mut export = Export {
        worker,
        batch: None,
        pause: FIRST_PAUSE,
        not_before: Instant::now(),
        last: Instant::now(),
        backlog: 0,
        troubles: Troubles::default(),
    };
    loop {
        let step = catch_unwind(AssertUnwindSafe(|| unobserved(runtime, &mut export)));
        match step {
            Ok(Step::Again) => {}
            Ok(Step::Done(done)) => done.tell(&queue),
            Ok(Step::End) => return,
            Err(panic) => {
                forget(panic);
                export.batch = None;
                queue.settle_all(Dropped::ExportFailed);
            }
        }
    }
}

/// Takes a step that leaves no lines and no spans of its own, which would be exported by the next.
fn unobserved(runtime: &Runtime, export: &mut Export) -> Step {
    let _unexported = Context::enter_telemetry_suppressed_scope();
    dispatcher::with_default(&Dispatch::none(), || runtime.block_on(export.step()))
}

/// What comes after a step.
enum Step {
    Again,
    Done(Done),
    End,
}

/// What an attempt came to. Told where nothing on this thread keeps a line from the log, and the
/// line before the rest: whoever waits for the spans may close the log then.
struct Done {
    said: Option<Said>,
    fate: Fate,
}

/// What becomes of the spans of an attempt.
enum Fate {
    /// They will be tried again.
    Open,
    Settled {
        exported: u64,
        dropped: u64,
        reason: Dropped,
    },
    /// They and all that wait are given up.
    GivenUp,
}

impl Done {
    fn tell(self, queue: &Queue) {
        if let Some(said) = self.said {
            let now = match self.fate {
                Fate::Settled { dropped, .. } => dropped,
                Fate::Open | Fate::GivenUp => 0,
            };
            let dropped = queue.counts().dropped() + now;
            // A subscriber is somebody else's code.
            contained(|| said.write(dropped));
        }
        match self.fate {
            Fate::Open => {}
            Fate::Settled {
                exported,
                dropped,
                reason,
            } => queue.settle(exported, dropped, reason),
            Fate::GivenUp => queue.give_up(),
        }
    }
}

/// A batch on its way.
struct Batch {
    request: ExportTraceServiceRequest,
    spans: u64,
    /// When it is given up.
    until: Instant,
}

struct Export {
    worker: Worker,
    batch: Option<Batch>,
    /// The next one.
    pause: Duration,
    /// When something may be sent again.
    not_before: Instant,
    /// When a batch was last taken.
    last: Instant,
    /// Batches that piled up and go out one by one.
    backlog: usize,
    troubles: Troubles,
}

impl Export {
    /// Takes a batch, or attempts to send the one that there is.
    async fn step(&mut self) -> Step {
        let queue = Arc::clone(&self.worker.queue);
        if let Some(batch) = self.batch.take() {
            let before = queue.hurry();
            let until = match before {
                Hurry::No => self.not_before,
                _ => self.not_before.min(after(Instant::now(), HURRIED_PAUSE)),
            };
            queue.rest(until, before).await;
            return self.attempt(batch).await;
        }
        let Some(spans) = queue.take(self.last, self.not_before).await else {
            return Step::End;
        };
        self.last = Instant::now();
        self.prepare(spans);
        Step::Again
    }

    /// Makes a batch of spans. What is to be seen on the console is written at once.
    fn prepare(&mut self, mut spans: Vec<SpanData>) {
        let worker = &mut self.worker;
        let count = spans.len() as u64;
        for span in &mut spans {
            scrub(&worker.redactor, span);
        }
        let written = worker.console.as_mut().map(|console| console.write(&spans));
        if worker.deliver.is_none() {
            let lost = if written == Some(false) { count } else { 0 };
            worker
                .queue
                .settle(count - lost, lost, Dropped::ExportFailed);
            return;
        }
        self.batch = Some(Batch {
            request: ExportTraceServiceRequest {
                resource_spans: group_spans_by_resource_and_scope(spans, &worker.resource),
            },
            spans: count,
            until: after(Instant::now(), worker.batch_timeout),
        });
    }

    async fn attempt(&mut self, batch: Batch) -> Step {
        let queue = Arc::clone(&self.worker.queue);
        let began = Instant::now();
        let end = match queue.hurry() {
            Hurry::Stopped => return Step::End,
            Hurry::Stop(deadline) => batch.until.min(deadline),
            Hurry::No | Hurry::Flush => batch.until,
        };
        let patience = self
            .worker
            .attempt_timeout
            .min(end.saturating_duration_since(began));
        let Some(deliver) = &mut self.worker.deliver else {
            return Step::Again;
        };
        if patience.is_zero() {
            queue.settle(0, batch.spans, given_up(queue.hurry()));
            return Step::Again;
        }
        let answer = deliver.deliver(&batch.request, patience).await;
        match answer {
            Answer::Taken { rejected } => self.taken(&batch, rejected),
            Answer::Later { why, after } => self.failed(batch, &why, after, began),
            Answer::TimedOut => self.failed(batch, "no answer in time", None, began),
            Answer::Refused { why } => {
                self.back_off(None, began);
                Step::Done(Done {
                    said: self.troubles.failed(&why, true, Instant::now()),
                    fate: Fate::Settled {
                        exported: 0,
                        dropped: batch.spans,
                        reason: Dropped::Rejected,
                    },
                })
            }
        }
    }

    fn taken(&mut self, batch: &Batch, rejected: u64) -> Step {
        let rejected = rejected.min(batch.spans);
        if self.troubles.failures() > 0 {
            self.backlog = self.worker.queue.backlog();
        }
        self.pause = FIRST_PAUSE;
        self.not_before = Instant::now();
        if self.backlog > 0 {
            self.backlog -= 1;
            self.not_before = after(self.not_before, BACKLOG_PAUSE);
        }
        let works = self.troubles.worked();
        let said = if rejected > 0 {
            let why = "the collector took a batch without some of its spans";
            self.troubles.refused_some(why, Instant::now())
        } else {
            works
        };
        Step::Done(Done {
            said,
            fate: Fate::Settled {
                exported: batch.spans - rejected,
                dropped: rejected,
                reason: Dropped::Rejected,
            },
        })
    }

    fn failed(&mut self, batch: Batch, why: &str, asked: Option<Duration>, began: Instant) -> Step {
        self.back_off(asked, began);
        let said = self.troubles.failed(why, false, Instant::now());
        let hurry = self.worker.queue.hurry();
        let until = match hurry {
            Hurry::Stop(deadline) => batch.until.min(deadline),
            _ => batch.until,
        };
        let fate = match hurry {
            Hurry::Stop(_) if self.troubles.failures() >= MAX_FAILURES_AT_STOP => Fate::GivenUp,
            _ if self.not_before >= until => Fate::Settled {
                exported: 0,
                dropped: batch.spans,
                reason: given_up(hurry),
            },
            _ => {
                self.batch = Some(batch);
                Fate::Open
            }
        };
        Step::Done(Done { said, fate })
    }

    /// Sets when something may be sent again. An attempt that took long was a pause already.
    fn back_off(&mut self, asked: Option<Duration>, began: Instant) {
        let pause = asked.unwrap_or(self.pause).clamp(self.pause, MAX_PAUSE);
        self.not_before = after(began, pause);
        self.pause = (self.pause * 2).min(MAX_PAUSE);
    }
}

/// Why a batch is given up: nobody knows what a collector would have said later.
fn given_up(hurry: Hurry) -> Dropped {
    match hurry {
        Hurry::No | Hurry::Flush => Dropped::ExportFailed,
        Hurry::Stop(_) | Hurry::Stopped => Dropped::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::start::QueueSettings;

    /// A subscriber with a mistake in it.
    struct Panics;

    impl Subscriber for Panics {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            panic!("a subscriber's own");
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_subscriber_that_panics_neither_ends_the_export_nor_leaves_spans_uncounted() {
        let queue = Queue::new(
            QueueSettings {
                spans: 10,
                batch: 10,
                delay: Duration::ZERO,
                timeout: Duration::ZERO,
            },
            false,
        );
        let done = Done {
            said: Some(Said::Failing("for the test".to_owned())),
            fate: Fate::GivenUp,
        };
        dispatcher::with_default(&Dispatch::new(Panics), || done.tell(&queue));
        assert_eq!(queue.hurry(), Hurry::Stopped);
    }
}
