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
            sync(Role::Obs, OBS, sync_fns::observed),
            sync(Role::Peer, INSTRUMENT, sync_fns::instrumented),
            sync(Role::Mark, OBS_FIELD, sync_fns::observed_field),
            sync(Role::Mark, INSTRUMENT_FIELD, sync_fns::instrumented_field),
            sync(Role::Mark, ALONE, sync_fns::alone),
        ],
    ));
    tables.push(Table::of_rows(
        "Observed call of an async function that returns a `Result`, `tracing_subscriber::registry()` without layers",
        options,
        &[
            polled(Role::Obs, OBS, async_fns::observed),
            polled(Role::Peer, INSTRUMENT, async_fns::instrumented),
            polled(Role::Mark, OBS_FIELD, async_fns::observed_field),
            polled(Role::Mark, INSTRUMENT_FIELD, async_fns::instrumented_field),
            polled(Role::Mark, ALONE, async_fns::alone),
        ],
    ));
    tables
}

const OBS: &str = "**obs**";
const AUTOMETRICS: &str = "autometrics 3, prometheus-client behind it";
const INSTRUMENT: &str = "`tracing::instrument`: a span, nothing counted";
// These two are no race: the first does all that the second does, and counts.
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
    Odd,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("odd")
    }
}

macro_rules! sync_fn {
    ($name:ident $(, #[$attribute:meta])*) => {
        $(#[$attribute])*
        pub(super) fn $name(n: u64) -> u64 {
            n.wrapping_mul(31) ^ (n >> 7)
        }
    };
}

macro_rules! async_fn {
    ($name:ident $(, #[$attribute:meta])*) => {
        $(#[$attribute])*
        #[expect(clippy::unused_async, reason = "what it awaits is not the point")]
        pub(super) async fn $name(n: u64) -> Result<u64, super::Refused> {
            if n % 16 == 0 {
                Err(super::Refused::Odd)
            } else {
                Ok(n.wrapping_mul(31) ^ (n >> 7))
            }
        }
    };
}

mod sync_fns {
    sync_fn!(alone);
    sync_fn!(observed, #[obs::observed]);
    sync_fn!(autometrics, #[autometrics::autometrics]);
    sync_fn!(observed_field, #[obs::observed(fields(n = n))]);
    sync_fn!(instrumented, #[tracing::instrument(skip_all)]);
    sync_fn!(instrumented_field, #[tracing::instrument(skip_all, fields(n = n))]);
}

mod async_fns {
    async_fn!(alone);
    async_fn!(observed, #[obs::observed]);
    async_fn!(autometrics, #[autometrics::autometrics]);
    async_fn!(observed_field, #[obs::observed(fields(n = n))]);
    async_fn!(instrumented, #[tracing::instrument(skip_all)]);
    async_fn!(instrumented_field, #[tracing::instrument(skip_all, fields(n = n))]);
}
