//! Options, checks, and the one moment at which things become global.

use std::ffi::OsString;
#[cfg(feature = "http")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::config::{self, ConfigError};
use super::error::{Problem, ProblemKind, StartError};
use super::obs::{Inner, Obs, Parts};
use super::own::{self, BuildInfo};
use super::{Environment, Service, checks};
use crate::catalog;
use crate::registry::Registry;

#[cfg(feature = "http")]
use super::options::Options;

/// What [`Obs`] will be started with.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime::Obs;
///
/// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?
///     .metric_prefix("traceo")
///     .max_routes(40)
///     .detached()?;
/// # drop(obs);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing starts before `.install()`"]
pub struct Setup {
    build: BuildInfo,
    /// Nobody said which environment this is.
    assumed: bool,
    #[cfg(feature = "http")]
    pub(super) options: Options,
}

/// Whether an `Obs` is installed in this process.
static INSTALLED: AtomicBool = AtomicBool::new(false);

impl Setup {
    pub(super) fn read(
        service: Service,
        get: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigError> {
        let config = config::read(get)?;
        Ok(Self {
            build: BuildInfo {
                service: Service {
                    name: config.service_name.map_or(service.name, Into::into),
                    version: service.version,
                },
                environment: config
                    .environment
                    .clone()
                    .unwrap_or(if cfg!(debug_assertions) {
                        Environment::DEV
                    } else {
                        Environment::PROD
                    }),
            },
            assumed: config.environment.is_none(),
            #[cfg(feature = "http")]
            options: Options::new(config.admin_addr),
        })
    }

    /// Adds a registry by hand, for targets where registries do not find each other when linking.
    ///
    /// Adding one that is known already changes nothing.
    pub fn registry(self, registry: &'static Registry) -> Self {
        registry.collect();
        self
    }

    /// Checks everything, then makes this the `Obs` of the process.
    ///
    /// With feature `http` it also becomes the global recorder of the `metrics` facade, unless
    /// [`facade`](Self::facade) or [`install_recorder`](Self::install_recorder) says no.
    ///
    /// # Errors
    /// If a check fails, something is already installed, or `obs` is: then nothing was installed,
    /// and the error lists every problem.
    pub fn install(self) -> Result<Obs, StartError> {
        let first = INSTALLED
            .compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire)
            .is_ok();
        if !first {
            return Err(StartError::new(vec![Problem {
                kind: ProblemKind::AlreadyInstalled,
                what: "obs is already installed in this process".to_owned(),
                places: Vec::new(),
                why: "two of them would show every number twice",
                fix: "keep the `Obs` of the first `.install()` and clone it; in tests use \
                      `.detached()`"
                    .to_owned(),
            }]));
        }
        let assumed = self.assumed;
        let started = self.start(true);
        match &started {
            Ok(obs) => obs.announce(assumed),
            // Somebody may correct the problem and try again.
            Err(_) => INSTALLED.store(false, Ordering::Release),
        }
        started
    }

    /// Checks everything, then makes an `Obs` that is independent of the process's.
    ///
    /// It counts its own HTTP requests and facade records, and shows the declared metrics of the
    /// whole process. For tests, of which many run in one process, and for libraries that bring
    /// their own router.
    ///
    /// # Errors
    /// If a check fails; the error lists every problem.
    pub fn detached(self) -> Result<Obs, StartError> {
        self.start(false)
    }

    fn start(self, install: bool) -> Result<Obs, StartError> {
        #[cfg(feature = "http")]
        let own = own::names(self.options.prefix());
        #[cfg(not(feature = "http"))]
        let own = own::names(None);
        let problems = checks::declared(&own);
        #[cfg(feature = "http")]
        let problems = [problems, self.options.check(install)].concat();
        if !problems.is_empty() {
            return Err(StartError::new(problems));
        }
        #[cfg(feature = "http")]
        let facade = self
            .options
            .start_facade(&own, install)
            .map_err(|problem| StartError::new(vec![problem]))?;
        let parts = Parts {
            build: self.build.clone(),
            #[cfg(feature = "http")]
            traffic: self.options.traffic(),
            #[cfg(feature = "http")]
            facade: facade.clone(),
            #[cfg(feature = "http")]
            http: Arc::new(self.options.parts(&self.build.environment)),
        };
        crate::clock::calibrate();
        if install {
            catalog::add_part(Box::leak(Box::new(parts.clone())));
        }
        Ok(Obs::new(Inner {
            build: self.build,
            parts,
            installed: install,
            #[cfg(feature = "http")]
            facade,
            #[cfg(feature = "http")]
            global_recorder: install && self.options.wants_global(),
        }))
    }
}
