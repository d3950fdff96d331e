//! The alerts: each file has those about one thing.
//!
//! All of them take part in one table: name, severity, condition, how long it must hold, what is
//! said, and the series of its unit tests. Shares are alerted on only where enough happened: see
//! [`FEWEST_FAILURES`] and [`FEWEST_REQUESTS`].

mod calls;
mod dependencies;
mod http;
mod panics;
mod pools;
mod queues;
mod targets;
mod telemetry;

use super::alert::Alert;
use super::objectives;
use super::promql::Scope;
use crate::environment::Environment;
use crate::system::{Service, System};

/// So many must have failed in five minutes before a share of failures is worth saying: one failed
/// request at night is half of two.
pub(crate) const FEWEST_FAILURES: u32 = 5;

/// So many requests must there have been in five minutes before a percentile of their latency is
/// worth saying: at 20, more than one was slower than the 95th percentile allows.
pub(crate) const FEWEST_REQUESTS: u32 = 20;

/// What the alerts of one service and environment are made from.
#[derive(Clone, Copy, Debug)]
struct Subject<'a> {
    system: &'a System,
    service: &'a Service,
    environment: &'a Environment,
}

impl<'a> Subject<'a> {
    fn scope(&self) -> Scope<'a> {
        Scope::environment(self.service, self.environment)
    }

    fn name(&self) -> &'a str {
        self.service.name()
    }

    /// The name of a family of obs, if the service has it.
    fn own(&self, name: &str) -> Option<&'a str> {
        let family = self.service.catalogue.own(name)?;
        Some(&family.name)
    }
}

/// Every alert of an environment, by service.
pub(crate) fn of(system: &System, environment: &Environment) -> Vec<Alert> {
    let services = system.services.iter();
    let all = services.flat_map(|service| {
        let subject = Subject {
            system,
            service,
            environment,
        };
        let mut alerts = targets::alerts(subject);
        alerts.extend(dependencies::alerts(subject));
        alerts.extend(http::alerts(subject));
        alerts.extend(calls::alerts(subject));
        alerts.extend(panics::alerts(subject));
        alerts.extend(pools::alerts(subject));
        alerts.extend(queues::alerts(subject));
        alerts.extend(objectives::alerts(service, environment));
        alerts.extend(telemetry::alerts(subject));
        alerts
    });
    all.collect()
}
