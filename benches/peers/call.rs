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
/// those that make spans. (Each comparison stays within one of the two states.)
pub(crate) fn tables(options: &Options) -> Vec<Table> {
    let mut tables = vec![
        Table::of_rows(
            "An observed call of a sync function, no subscriber",
            options,
            &[
                sync(Role::Obs, "**obs**", sync_fns::observed),
                sync(Role::Peer, "autometrics 3", sync_fns::autometrics),
                sync(Role::Mark, "the function alone", sync_fns::alone),
            ],
        ),
        Table::of_rows(
            "An observed call of an async function that returns a Result, no subscriber",
            options,
            &[
                polled(Role::Obs, "**obs**", async_fns::observed),
                polled(Role::Peer, "autometrics 3", async_fns::autometrics),
                polled(Role::Mark, "the function alone", async_fns::alone),
            ],
        ),
    ];
    tracing::subscriber::set_global_default(tracing_subscriber::registry())
        .expect("nothing else installs a subscriber");
    tables.push(Table::of_rows(
        "An observed call of a sync function, `tracing_subscriber::registry()` without layers",
        options,
        &[
            sync(Role::Obs, "**obs**", sync_fns::observed),
            sync(
                Role::Peer,
                "`tracing::instrument`, which counts nothing",
                sync_fns::instrumented,
            ),
            sync(Role::Mark, "the function alone", sync_fns::alone),
        ],
    ));
    tables.push(Table::of_rows(
        "An observed call of an async function that returns a Result, `tracing_subscriber::registry()` without layers",
        options,
        &[
            polled(Role::Obs, "**obs**", async_fns::observed),
            polled(
                Role::Peer,
                "`tracing::instrument`, which counts nothing",
                async_fns::instrumented,
            ),
            polled(Role::Mark, "the function alone", async_fns::alone),
        ],
    ));
    tables
}

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
    sync_fn!(instrumented, #[tracing::instrument(skip_all)]);
}

mod async_fns {
    async_fn!(alone);
    async_fn!(observed, #[obs::observed]);
    async_fn!(autometrics, #[autometrics::autometrics]);
    async_fn!(instrumented, #[tracing::instrument(skip_all)]);
}
