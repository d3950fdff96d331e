//! How work leaves a request, and how it is taken up again: later, elsewhere, once more.

use std::future::Future;

use obs::{Carrier, ErrorLabel};

use super::origin::{ANONYMOUS, Origin};
use super::user;
use crate::api::JobId;

/// What is stored beside work that is done later: the request's ids, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) carrier: String,
    pub(crate) origin: Origin,
}

impl Ticket {
    /// Takes the context of the current request, call or job.
    pub(crate) fn current() -> Self {
        Self {
            carrier: Carrier::current().to_string(),
            origin: Origin::current(),
        }
    }
}

/// One attempt to do work that was stored.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    /// What is done, such as `import_csv`.
    pub(crate) name: &'static str,
    /// Counted from 1.
    pub(crate) number: u32,
    /// What [`Ticket::current`] gave, as it was stored.
    pub(crate) carrier: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) job: &'a JobId,
}

impl Attempt<'_> {
    /// Does the work within the context it was stored with; `is_final` says whether a failure is
    /// the last word, which is then an ERROR.
    pub(crate) async fn run<T, E>(
        self,
        is_final: impl FnOnce(&E) -> bool,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E>
    where
        E: ErrorLabel + std::error::Error,
    {
        let Ok(carrier) = self.carrier.parse::<Carrier>();
        let mut job = carrier
            .job(self.name, self.number)
            .bind("job_id", self.job.as_str());
        if self.actor != ANONYMOUS {
            job = job.bind(user::FIELD, self.actor);
        }
        let work = async {
            let result = work.await;
            if let Err(error) = &result {
                tell(error, is_final(error));
            }
            result
        };
        job.try_run(work).await
    }
}

fn tell<E: ErrorLabel + std::error::Error>(error: &E, last: bool) {
    let code = E::VALUES.get(error.index()).copied().unwrap_or("other");
    obs::annotate("error_code", code);
    if last {
        tracing::error!(
            error = error as &dyn std::error::Error,
            error_code = code,
            "failed for good"
        );
    } else {
        tracing::warn!(
            error = error as &dyn std::error::Error,
            error_code = code,
            "failed; it will be tried again"
        );
    }
}
