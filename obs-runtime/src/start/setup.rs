//! Options, checks, and the one moment at which things become global.

use std::ffi::OsString;
#[cfg(feature = "http")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::config::{self, ConfigError, InvalidVariable};
use super::configuration::Configuration;
use super::error::{Problem, ProblemKind, StartError};
use super::first_line::FirstLine;
use super::obs::{Inner, Obs, Parts};
use super::own::{self, BuildInfo};
use super::{Service, checks};
use crate::call::{Site, sites};
use crate::catalog::{self, Modules};
use crate::registry::Registry;

#[cfg(feature = "http")]
use super::options::Options;
#[cfg(feature = "http")]
use super::started::Started;

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
    pub(super) build: BuildInfo,
    /// Nobody said which environment this is.
    pub(super) assumed: bool,
    attributes: Vec<(String, String)>,
    pub(super) configuration: Configuration,
    ignored: Vec<InvalidVariable>,
    modules: Modules,
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
        let config = config::read(service, get)?;
        Ok(Self {
            build: BuildInfo {
                service: config.service,
                environment: config.environment,
            },
            assumed: config.assumed,
            attributes: config.attributes,
            configuration: config.configuration,
            ignored: config.ignored,
            modules: Modules::default(),
            #[cfg(feature = "http")]
            options: Options::new(config.settings),
        })
    }

    /// Returns the effective configuration: that of the variables, and what the code chose.
    #[must_use]
    pub const fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Adds a registry by hand, for targets where registries do not find each other when linking.
    ///
    /// Adding one that is known already changes nothing.
    pub fn registry(self, registry: &'static Registry) -> Self {
        registry.collect();
        self
    }

    /// Says of which modules this service is made, where its binary holds several services.
    ///
    /// Only what is declared in these modules and below is at zero from the start: `metrics!` blocks,
    /// [`#[observed]`](macro@crate::observed) operations and tools, and the codes of errors that derive
    /// [`ProblemError`](trait@crate::ProblemError). Whatever is declared elsewhere comes with its first
    /// record, so a list that lacks a module loses no number. It is about scrapes and reports of this
    /// `Obs`; [`catalog::gather`] shows everything. Called again, it adds to the list; never called,
    /// all modules are on it.
    ///
    /// Paths are those of `module_path!()`, beginning with the crate. The log warns of one in which
    /// nothing is declared.
    ///
    /// # Example
    /// ```standalone_crate
    /// use obs_runtime as obs;
    ///
    /// mod engine {
    ///     obs_runtime::metrics! {
    ///         pub registry ENGINE;
    ///
    ///         /// Jobs that were done.
    ///         pub counter engine_jobs_total();
    ///     }
    /// }
    ///
    /// mod desk {
    ///     obs_runtime::metrics! {
    ///         pub registry DESK;
    ///
    ///         /// Times that the bell rang.
    ///         pub counter desk_rings_total();
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let setup = obs::Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])?;
    /// let engine = concat!(module_path!(), "::engine");
    /// let obs = setup.declared_in([engine]).detached()?;
    /// assert!(obs.scrape(obs::Format::Text).contains("engine_jobs_total 0"));
    /// assert!(!obs.scrape(obs::Format::Text).contains("desk_rings_total"));
    /// desk::desk_rings_total().inc();
    /// assert!(obs.scrape(obs::Format::Text).contains("desk_rings_total 1"));
    /// # engine::engine_jobs_total().inc();
    /// # Ok(())
    /// # }
    /// ```
    pub fn declared_in<M: Into<String>>(mut self, modules: impl IntoIterator<Item = M>) -> Self {
        self.modules.add(modules.into_iter().map(Into::into));
        self
    }

    /// Checks everything, then makes this the `Obs` of the process.
    ///
    /// With feature `http` it also becomes, unless an option says no, the `tracing` subscriber and
    /// the `log` logger of the process ([`logs`](Self::logs), [`log_bridge`](Self::log_bridge)),
    /// the recorder of the `metrics` facade ([`facade`](Self::facade),
    /// [`install_recorder`](Self::install_recorder)), and it logs panics
    /// ([`panic_hook`](Self::panic_hook)). The first line of the log says what is on.
    ///
    /// # Errors
    /// If a check fails, something is already installed, or `obs` is: then nothing was installed,
    /// and the error lists every problem. Once they are corrected, another call succeeds.
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
        let started = self.start(true);
        if started.is_err() {
            // Somebody may correct the problem and try again.
            INSTALLED.store(false, Ordering::Release);
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

    fn start(
        #[cfg_attr(not(feature = "http"), expect(unused_mut, reason = "of the options"))] mut self,
        install: bool,
    ) -> Result<Obs, StartError> {
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
        let first_line = FirstLine::new(&self);
        #[cfg(feature = "http")]
        let started = Started::new(
            &mut self.options,
            &self.build,
            &self.attributes,
            &own,
            install,
        )
        .map_err(|problem| StartError::new(vec![problem]))?;
        let parts = Parts {
            build: self.build.clone(),
            #[cfg(feature = "http")]
            traffic: self.options.traffic(),
            #[cfg(any(feature = "sqlx", feature = "redis"))]
            databases: Arc::new(crate::db::Databases::new(self.options.prefix())),
            #[cfg(feature = "http")]
            facade: started.facade.clone(),
            #[cfg(feature = "http")]
            http: Arc::new(started.http),
        };
        #[cfg(feature = "http")]
        parts.traffic.exceptions().expect(&self.modules);
        crate::clock::calibrate();
        #[cfg(feature = "http")]
        if install {
            parts.traffic.policy().install();
        }
        if install {
            catalog::add_part(Box::leak(Box::new(parts.clone())));
        }
        let obs = Obs::new(Inner {
            build: self.build,
            parts,
            installed: install,
            modules: self.modules.clone(),
            attributes: self.attributes,
            configuration: self.configuration,
            #[cfg(feature = "http")]
            facade: started.facade,
            #[cfg(feature = "http")]
            global_recorder: install && self.options.wants_global(),
        });
        #[cfg(feature = "http")]
        if let Some(chains) = self.options.wants_panic_hook().filter(|_| install) {
            super::panic::install(&obs, chains);
        }
        for variable in &self.ignored {
            tracing::warn!(
                target: "obs::start",
                "{variable}; it counts as unset because OBS_STRICT=0"
            );
        }
        for module in self.modules.without(&declaring_modules()) {
            tracing::warn!(
                target: "obs::start",
                module,
                "nothing is declared in a module that `declared_in` names, or below it"
            );
        }
        if install {
            first_line.write(&obs);
        }
        Ok(obs)
    }
}

/// The modules in which anything is declared.
fn declaring_modules() -> Vec<&'static str> {
    let registries = Registry::collected().into_iter().map(Registry::module);
    let modules = registries.chain(sites().map(Site::module));
    #[cfg(feature = "http")]
    let modules = modules.chain(crate::problem::CODES.iter().map(|codes| codes.module));
    modules.collect()
}
