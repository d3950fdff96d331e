//! Health: alive, ready, started; the checks behind it, and the signal to stop.

mod check;
mod monitor;
#[cfg(feature = "redis")]
mod redis;
mod report;
mod shutdown;
#[cfg(feature = "sqlx")]
mod sqlx;
mod target;

pub use check::{Check, CheckError};
pub use shutdown::Shutdown;

pub(crate) use report::{CheckStatus, Degraded, Report};
pub(crate) use target::{HttpTarget, TcpTarget};

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use monitor::Monitor;

use crate::catalog::{Families, FamilyDescriptor, Part, Totals, Value};
use crate::metric::{Kind, LabelDescriptor};
use crate::redact::Redactor;
use crate::start::Obs;

/// Checks of one service; each is a line of every answer, and a series.
const MAX_CHECKS: usize = 64;

pub(crate) const CHECK_UP: &str = "obs_check_up";
const CHECK: LabelDescriptor = LabelDescriptor::open("check");
/// Whether the service is ready only while the dependency is up.
const CRITICAL: LabelDescriptor = LabelDescriptor::new("critical", &["true", "false"]);

/// The names of what the environment can configure.
const DATABASE: &str = "database";
const CACHE: &str = "cache";
const EXTERNAL: &str = "external";

/// How a dependency was when it was last checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckState {
    /// The name of the check.
    pub name: Arc<str>,
    /// Whether it was up; `None` before it was asked.
    pub up: Option<bool>,
    /// How long the answer took.
    pub took: Duration,
}

impl Obs {
    /// Lets the service be ready only while a dependency is up.
    ///
    /// `/ready` asks all checks at the same time and answers 503 with the names of those that
    /// failed. A second check of the same name takes the place of the first.
    ///
    /// # Cardinality
    /// One series of `obs_check_up` for each name. At most 64 checks are kept; a further one is
    /// dropped with a warning.
    pub fn ready(&self, name: impl Into<String>, check: Check) {
        self.http().health.register(&name.into(), Some(check));
    }

    /// Asks all checks, as `/ready` does, and returns how they are: names, states and durations.
    ///
    /// Answers are shared and kept: however often this is called, no dependency is asked more often.
    ///
    /// # Cancel safety
    /// Cancel safe: the checks go on.
    pub async fn check_states(&self) -> Vec<CheckState> {
        let stopping = self.http().shutdown.has_begun();
        let report = self.http().health.ready(stopping).await;
        let state = |(name, status): (Arc<str>, CheckStatus)| match status {
            CheckStatus::Ok(took) => Some((name, Some(true), took)),
            CheckStatus::Failed(took) => Some((name, Some(false), took)),
            CheckStatus::Unknown => Some((name, None, Duration::ZERO)),
            CheckStatus::Skipped => None,
        };
        let states = report.checks.into_iter().filter_map(state);
        states
            .map(|(name, up, took)| CheckState { name, up, took })
            .collect()
    }

    /// Says that initialisation is complete: `/startup` answers 200 from now on.
    ///
    /// [`serve`](Self::serve) says so by itself, unless
    /// [`manual_startup`](crate::Setup::manual_startup) keeps that to the service.
    pub fn startup_complete(&self) {
        self.http().health.started.store(true, Ordering::Release);
    }

    /// Returns the signal to stop.
    #[must_use]
    pub fn shutdown(&self) -> Shutdown {
        self.http().shutdown.clone()
    }
}

/// The checks that readiness depends on.
#[derive(Debug)]
pub(crate) struct Health {
    checks: Mutex<Vec<Named>>,
    started: AtomicBool,
    /// The service itself says when it is initialised, and is not ready before.
    manual: bool,
    redactor: Arc<Redactor>,
}

#[derive(Clone, Debug)]
struct Named {
    name: Arc<str>,
    /// `None` where it is not configured.
    monitor: Option<Arc<Monitor>>,
}

impl Health {
    pub(crate) fn new(redactor: Arc<Redactor>, manual_startup: bool) -> Self {
        Self {
            checks: Mutex::default(),
            started: AtomicBool::new(false),
            manual: manual_startup,
            redactor,
        }
    }

    /// Registers what the environment configured, and what it could have.
    pub(crate) fn configure(
        &self,
        database: Option<TcpTarget>,
        cache: Option<TcpTarget>,
        external: Option<HttpTarget>,
    ) {
        self.register(DATABASE, database.map(Check::tcp_target));
        self.register(CACHE, cache.map(Check::tcp_target));
        self.register(EXTERNAL, external.map(Check::http_target));
    }

    fn register(&self, name: &str, check: Option<Check>) {
        let name: Arc<str> = name.into();
        let named = Named {
            monitor: check.map(|check| {
                let redactor = Arc::clone(&self.redactor);
                Arc::new(Monitor::new(Arc::clone(&name), check, redactor))
            }),
            name: Arc::clone(&name),
        };
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let full = checks.len() >= MAX_CHECKS;
        let mut replaced = false;
        match checks.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                replaced = known.monitor.is_some();
                *known = named;
            }
            None if full => {}
            None => {
                checks.push(named);
                checks.sort_by(|a, b| a.name.cmp(&b.name));
                return;
            }
        }
        drop(checks);
        let check = &*name;
        if replaced {
            tracing::warn!(target: "obs::health", check, "two checks have the same name: the last one counts");
        } else if full {
            tracing::warn!(
                target: "obs::health",
                check,
                "there are {MAX_CHECKS} checks already: this one is not made"
            );
        }
    }

    /// Says that initialisation is complete, unless the service wants to.
    pub(crate) fn serving(&self) {
        if !self.manual {
            self.started.store(true, Ordering::Release);
        }
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    /// Reports what is known, and asks nobody. The process that says so lives.
    pub(crate) fn alive(&self) -> Report {
        Report {
            degraded: None,
            checks: self.known(),
        }
    }

    /// Asks all checks, each within its own time.
    ///
    /// # Cancel safety
    /// Cancel safe: the checks go on.
    pub(crate) async fn ready(&self, stopping: bool) -> Report {
        let degraded = if stopping {
            Some(Degraded::Stopping)
        } else if self.manual && !self.is_started() {
            Some(Degraded::Starting)
        } else {
            None
        };
        if degraded.is_some() {
            // Whatever the dependencies say, the answer is no.
            return Report {
                degraded,
                checks: self.known(),
            };
        }
        // All are asked before the first answer is waited for.
        let asked: Vec<_> = self
            .named()
            .into_iter()
            .map(|check| {
                let answer = check.monitor.as_ref().map(Monitor::ask);
                (check, answer)
            })
            .collect();
        let mut report = Report {
            degraded: None,
            checks: Vec::with_capacity(asked.len()),
        };
        for (check, answer) in asked {
            let status = match answer {
                None => CheckStatus::Skipped,
                Some(answer) => status(answer.await),
            };
            let is_critical = check.monitor.is_some_and(|monitor| monitor.is_critical());
            if is_critical && matches!(status, CheckStatus::Failed(_)) {
                report.degraded = Some(Degraded::Check);
            }
            report.checks.push((check.name, status));
        }
        report
    }

    fn known(&self) -> Vec<(Arc<str>, CheckStatus)> {
        let known = |check: Named| {
            let status = match check.monitor {
                None => CheckStatus::Skipped,
                Some(monitor) => monitor.last().map_or(CheckStatus::Unknown, status),
            };
            (check.name, status)
        };
        self.named().into_iter().map(known).collect()
    }

    fn named(&self) -> Vec<Named> {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.clone()
    }
}

fn status(seen: monitor::Seen) -> CheckStatus {
    if seen.up {
        CheckStatus::Ok(seen.took)
    } else {
        CheckStatus::Failed(seen.took)
    }
}

impl Part for Health {
    fn collect(&self, _: &Totals, families: &mut Families) {
        let up = families.family(FamilyDescriptor {
            name: Cow::Borrowed(CHECK_UP),
            kind: Kind::Gauge,
            unit: None,
            help: Cow::Borrowed(
                "Whether a dependency was up (1) or down (0) when it was last checked. The service is not ready without a critical one.",
            ),
        });
        up.labels(&[CHECK, CRITICAL]);
        up.at_most(MAX_CHECKS);
        for Named { name, monitor } in self.named() {
            let Some((monitor, seen)) = monitor.and_then(|it| it.last().map(|seen| (it, seen)))
            else {
                continue;
            };
            let critical = if monitor.is_critical() {
                "true"
            } else {
                "false"
            };
            up.push(
                vec![
                    (Cow::Borrowed("check"), Cow::Owned(name.to_string())),
                    (Cow::Borrowed("critical"), Cow::Borrowed(critical)),
                ],
                Value::Unsigned(u64::from(seen.up)),
            );
        }
    }
}
