//! A whole observed call: in flight, clock, outcome, duration; and a span where there is a
//! subscriber.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::harness::{Role, Row};
use crate::inputs::Inputs;
use crate::options::Options;
use crate::report::Table;

/// Times the calls without a subscriber, then installs one for the rest of the process and times
/// those that make spans. Each comparison stays within one of the two states.
pub(crate) fn tables(options: &Options) -> Vec<Table> {
    let mut tables = vec![
        Table::of_rows(
            "Observed call of a sync function, no subscriber",
            options,
            &[
                sync(Role::Obs, OBS, sync_fns::observed),
                sync(Role::Peer, AUTOMETRICS, sync_fns::autometrics),
                sync(Role::Mark, ALONE, sync_fns::alone),
            ],
        ),
        Table::of_rows(
            "Observed call of an async function that returns a `Result`, no subscriber",
            options,
            &[
                polled(Role::Obs, OBS, async_fns::observed),
                polled(Role::Peer, AUTOMETRICS, async_fns::autometrics),
                polled(Role::Mark, ALONE, async_fns::alone),
            ],
        ),
    ];
    tracing::subscriber::set_global_default(tracing_subscriber::registry())
        .expect("nothing else installs a subscriber");
    tables.push(Table::of_rows(
        "Observed call of a sync function, `tracing_subscriber::registry()` without layers",
        options,
        &[
            sync(Role::Obs, OBS_SPAN, sync_fns::observed),
            sync(Role::Mark, INSTRUMENT, sync_fns::instrumented),
            sync(Role::Mark, OBS_FIELD, sync_fns::observed_field),
            sync(Role::Mark, INSTRUMENT_FIELD, sync_fns::instrumented_field),
            sync(Role::Mark, ALONE, sync_fns::alone),
        ],
    ));
    tables.push(Table::of_rows(
        "Observed call of an async function that returns a `Result`, `tracing_subscriber::registry()` without layers",
        options,
        &[
            polled(Role::Obs, OBS_SPAN, async_fns::observed),
            polled(Role::Mark, INSTRUMENT, async_fns::instrumented),
            polled(Role::Mark, OBS_FIELD, async_fns::observed_field),
            polled(Role::Mark, INSTRUMENT_FIELD, async_fns::instrumented_field),
            polled(Role::Mark, ALONE, async_fns::alone),
        ],
    ));
    tables
}

const OBS: &str = "**obs**";
const AUTOMETRICS: &str = "autometrics 3, prometheus 0.14 behind it";
const INSTRUMENT: &str = "`tracing::instrument`: a span, nothing counted";
// No race: the calls do all that the spans do, and count.
const OBS_SPAN: &str = "**obs**: counted, and a span";
const OBS_FIELD: &str = "obs with a field: counted, and a span";
const INSTRUMENT_FIELD: &str = "`tracing::instrument` with a field: a span, nothing counted";
const ALONE: &str = "the function alone";

fn sync(role: Role, name: &'static str, call: impl Fn(u64) -> u64 + Sync + 'static) -> Row {
    Row::new(role, name, numbers(), move |n| {
        black_box(call(n));
    })
}

fn polled<F: Future<Output = Result<u64, Refused>>>(
    role: Role,
    name: &'static str,
    call: impl Fn(u64) -> F + Sync + 'static,
) -> Row {
    Row::new(role, name, numbers(), move |n| {
        let future = pin!(call(n));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => drop(black_box(result)),
            Poll::Pending => unreachable!("the function awaits nothing"),
        }
    })
}

fn numbers() -> &'static Inputs<u64> {
    Inputs::draw(crate::inputs::Random::next)
}

/// Why a call failed: one in sixteen does.
#[derive(Debug, obs::ErrorLabel)]
pub(crate) enum Refused {
    Round,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("round")
    }
}

/// What every sync function does.
fn work(n: u64) -> u64 {
    n.wrapping_mul(31) ^ (n >> 7)
}

/// What every async function does.
fn try_work(n: u64) -> Result<u64, Refused> {
    if n.is_multiple_of(16) {
        Err(Refused::Round)
    } else {
        Ok(work(n))
    }
}

mod sync_fns {
    use super::work;

    pub(super) fn alone(n: u64) -> u64 {
        work(n)
    }

    #[obs::observed]
    pub(super) fn observed(n: u64) -> u64 {
        work(n)
    }

    #[obs::observed(fields(n = n))]
    pub(super) fn observed_field(n: u64) -> u64 {
        work(n)
    }

    #[autometrics::autometrics]
    pub(super) fn autometrics(n: u64) -> u64 {
        work(n)
    }

    #[tracing::instrument(skip_all)]
    pub(super) fn instrumented(n: u64) -> u64 {
        work(n)
    }

    #[tracing::instrument(skip_all, fields(n = n))]
    pub(super) fn instrumented_field(n: u64) -> u64 {
        work(n)
    }
}

mod async_fns {
    use super::{Refused, try_work};

    pub(super) async fn alone(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }

    #[obs::observed]
    pub(super) async fn observed(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }

    #[obs::observed(fields(n = n))]
    pub(super) async fn observed_field(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }

    #[autometrics::autometrics]
    pub(super) async fn autometrics(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }

    #[tracing::instrument(skip_all)]
    pub(super) async fn instrumented(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }

    #[tracing::instrument(skip_all, fields(n = n))]
    pub(super) async fn instrumented_field(n: u64) -> Result<u64, Refused> {
        try_work(n)
    }
}
