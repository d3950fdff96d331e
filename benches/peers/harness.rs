//! The clock: how long an operation takes on one thread, and on two at once.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::inputs::Inputs;
use crate::options::Options;

/// How many threads the columns of a table stand for.
pub(crate) const THREADS: [usize; 2] = [1, 2];

/// Operations before the clock starts, so that first-use costs stay outside.
const WARM_UP: usize = 20_000;

/// What a row is in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Ours; the first such row is what the ratios are taken to.
    Obs,
    /// Another way to get the same.
    Peer,
    /// A mark to read the others by: it does less than the job, or more.
    Mark,
}

/// One way of doing the job, ready to be timed.
pub(crate) struct Row {
    pub(crate) role: Role,
    pub(crate) name: &'static str,
    /// Runs so many operations on each of so many threads; returns nanoseconds per operation.
    round: Box<dyn Fn(usize, usize) -> f64>,
    /// The most operations of a round, where one takes long.
    most: usize,
    /// Runs after each round, outside of the clock.
    after: Box<dyn Fn()>,
}

impl Row {
    /// Makes a row that gives `operation` the inputs one by one.
    pub(crate) fn new<I: Copy + Sync + 'static>(
        role: Role,
        name: &'static str,
        inputs: &'static Inputs<I>,
        operation: impl Fn(I) + Sync + 'static,
    ) -> Self {
        Self {
            role,
            name,
            round: Box::new(move |threads, operations| {
                nanos_per_operation(threads, operations, inputs, &operation)
            }),
            most: usize::MAX,
            after: Box::new(|| ()),
        }
    }

    /// Limits the operations of a round.
    pub(crate) fn at_most(mut self, operations: usize) -> Self {
        self.most = operations;
        self
    }

    /// Adds what a process would do in the background, such as upkeep.
    pub(crate) fn after_each_round(mut self, after: impl Fn() + 'static) -> Self {
        self.after = Box::new(after);
        self
    }
}

fn nanos_per_operation<I: Copy + Sync>(
    threads: usize,
    operations: usize,
    inputs: &Inputs<I>,
    operation: &(impl Fn(I) + Sync),
) -> f64 {
    let on_the_line = AtomicUsize::new(0);
    let processors = core_affinity::get_core_ids().unwrap_or_default();
    let run = |thread: usize| {
        // Left alone, the system now and then runs both threads on one processor, by turns; then
        // nothing contends, and the column says nothing.
        if let Some(processor) = processors.get(thread) {
            core_affinity::set_for_current(*processor);
        }
        // The compiler must not know the inputs. Hiding the table and not each input keeps them
        // in registers: a hidden value goes through memory, at a cost that differs by its type.
        let inputs = black_box(inputs);
        // Threads start at different inputs, else two of them would walk in step.
        let shift = thread * 1_000;
        let mut start = Instant::now();
        // One loop for the warm-up and the round: where the operation is called twice, the
        // compiler may leave a call where users of the crate would have none.
        for (turn, operations) in [WARM_UP, operations].into_iter().enumerate() {
            if turn == 1 {
                // Spinning, not sleeping: a sleeper would wake when the other one is through.
                on_the_line.fetch_add(1, Ordering::SeqCst);
                while on_the_line.load(Ordering::SeqCst) < threads {
                    std::hint::spin_loop();
                }
                start = Instant::now();
            }
            for i in 0..operations {
                operation(inputs.at(i + shift));
            }
        }
        start.elapsed()
    };
    let total: f64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an operation panicked").as_secs_f64())
            .sum()
    });
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let all = (threads * operations) as f64;
    total * 1e9 / all
}

/// Times every row: the median over the rounds, for each number of threads.
///
/// The rounds of the rows are interleaved, so that a busy moment of the machine does not fall on
/// one row alone.
pub(crate) fn medians(options: &Options, rows: &[Row]) -> Vec<[f64; THREADS.len()]> {
    let mut samples = vec![[const { Vec::new() }; THREADS.len()]; rows.len()];
    for _ in 0..options.rounds() {
        for (row, samples) in rows.iter().zip(&mut samples) {
            for (threads, samples) in THREADS.into_iter().zip(samples) {
                samples.push((row.round)(threads, options.operations().min(row.most)));
                (row.after)();
            }
        }
    }
    samples.into_iter().map(|row| row.map(median)).collect()
}

/// Times closures on this thread: the median of each, in milliseconds, their rounds interleaved.
pub(crate) fn median_millis<R>(rounds: usize, closures: &[&dyn Fn() -> R]) -> Vec<f64> {
    let mut samples = vec![Vec::new(); closures.len()];
    for _ in 0..rounds {
        for (closure, samples) in closures.iter().zip(&mut samples) {
            // Once for nothing: it puts the caches and the allocator right, which the one before
            // has left in a state of its own.
            drop(black_box(closure()));
            let start = Instant::now();
            let result = closure();
            let elapsed = start.elapsed();
            drop(black_box(result));
            samples.push(elapsed.as_secs_f64() * 1e3);
        }
    }
    samples.into_iter().map(median).collect()
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}
