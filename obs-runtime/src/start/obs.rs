//! The handle that the service works with.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use super::config::ConfigError;
use super::configuration::Configuration;
#[cfg(feature = "http")]
use super::log_slot::LogSlot;
use super::own::{self, BuildInfo};
#[cfg(feature = "http")]
use super::settings::Settings;
use super::setup::Setup;
use super::{Environment, Service};
use crate::catalog::{self, Families, Family, Modules, Part, Report};
use crate::exposition::{self, Format};
use crate::metric::Totals;

#[cfg(any(feature = "sqlx", feature = "redis"))]
use crate::db::Databases;
#[cfg(feature = "http")]
use crate::facade::{Facade, Recorder};
#[cfg(feature = "http")]
use crate::health::{Health, Shutdown};
#[cfg(feature = "http")]
use crate::http::{AdminError, AdminServer, HttpLayer, Serving, Traffic};
#[cfg(feature = "http")]
use crate::log::{LogFilter, PageFeed};
#[cfg(feature = "http")]
use crate::redact::Redactor;

/// The running `obs`: wraps routers, answers scrapes, reports on cardinality.
///
/// Cheap to clone and to send. Metrics count whether or not there is one; it is what makes them
/// seen.
///
/// # Example
/// ```standalone_crate
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use obs_runtime as obs;
///
/// let obs = obs::Obs::from_env(obs::service!())?.install()?;
/// let app: axum::Router = obs.wrap(axum::Router::new());
/// println!("{}", obs.report());
/// # drop(app);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Obs {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) build: BuildInfo,
    pub(super) parts: Parts,
    /// Whether the catalogue shows `parts` already.
    pub(super) installed: bool,
    pub(super) modules: Modules,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) configuration: Configuration,
    #[cfg(feature = "http")]
    pub(super) facade: Option<Facade>,
    /// Whether the facade's recorder is the global one.
    #[cfg(feature = "http")]
    pub(super) global_recorder: bool,
}

/// What feature `http` works with.
#[cfg(feature = "http")]
pub(crate) struct HttpParts {
    /// Unless it was set, the admin listener runs only where it is asked for.
    pub(crate) admin_addr: Option<std::net::SocketAddr>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) settings: Settings,
    pub(crate) logs: LogSlot,
    #[cfg(feature = "sentry")]
    pub(crate) sentry: Option<crate::sentry::Sentry>,
    #[cfg(feature = "otlp")]
    pub(crate) traces: Option<crate::otlp::Traces>,
    pub(crate) health: Health,
    pub(crate) shutdown: Shutdown,
    pub(crate) serving: Serving,
    /// What the service's own page is told with.
    pub(crate) feed: Option<PageFeed>,
    /// The test that its requests belong to, whoever sends them.
    pub(crate) test: crate::context::Carried,
}

/// The families of one `Obs`.
#[derive(Clone)]
pub(super) struct Parts {
    pub(super) build: BuildInfo,
    #[cfg(feature = "http")]
    pub(super) traffic: Arc<Traffic>,
    #[cfg(any(feature = "sqlx", feature = "redis"))]
    pub(super) databases: Arc<Databases>,
    #[cfg(feature = "http")]
    pub(super) facade: Option<Facade>,
    #[cfg(feature = "http")]
    pub(super) http: Arc<HttpParts>,
}

impl Part for Parts {
    fn collect(&self, totals: &Totals, families: &mut Families) {
        self.build.collect(totals, families);
        #[cfg(feature = "http")]
        {
            self.traffic.collect(totals, families);
            #[cfg(any(feature = "sqlx", feature = "redis"))]
            self.databases.collect(totals, families);
            self.http.health.collect(totals, families);
            self.http.serving.access.collect(totals, families);
            #[cfg(feature = "sentry")]
            if let Some(sentry) = &self.http.sentry {
                sentry.collect(totals, families);
            } else if families.is_description() {
                crate::sentry::describe(families);
            }
            #[cfg(feature = "otlp")]
            if let Some(traces) = &self.http.traces {
                traces.collect(totals, families);
            } else if families.is_description() {
                crate::otlp::describe(families);
            }
            self.http.logs.collect(totals, families);
            if let Some(facade) = &self.facade {
                facade.collect(totals, families);
            }
        }
    }
}

impl Obs {
    pub(super) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Reads the process's environment variables.
    ///
    /// `docs/configuration.md` of the project lists them with their defaults;
    /// [`configuration`](Setup::configuration) shows what they came to. All are optional.
    ///
    /// # Errors
    /// If a variable cannot be understood; the error lists all of them.
    pub fn from_env(service: Service) -> Result<Setup, ConfigError> {
        Setup::read(service, |name| std::env::var_os(name))
    }

    /// Reads variables from a list instead of the process's environment, for tests.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars<'a>(
        service: Service,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Setup, ConfigError> {
        let variables: Vec<(&str, &str)> = variables.into_iter().collect();
        Setup::read(service, |name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(OsString::from(value))
        })
    }

    /// Returns the service's name and version.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.inner.build.service
    }

    /// Returns the environment.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.inner.build.environment
    }

    /// Returns the effective configuration, secrets masked.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.inner.configuration
    }

    /// Returns the attributes of `OTEL_RESOURCE_ATTRIBUTES` besides the service's name, version
    /// and environment.
    #[must_use]
    pub fn resource_attributes(&self) -> &[(String, String)] {
        &self.inner.attributes
    }

    /// Returns everything that a scrape shows, sorted by name.
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        self.collect(Families::of(&self.inner.modules))
    }

    /// Returns every family that a scrape of this service may show, sorted by name: as
    /// [`families`](Self::families), and those that wait for a first database, client, collector or
    /// Sentry project.
    ///
    /// What generates dashboards, alerts and pages reads this. Apart from the samples it depends on the
    /// code, its features and the options, and not on what the process has done: what `metrics` facade
    /// users record is not in it, and the families of databases and clients have the series of one
    /// pool and one route.
    #[must_use]
    pub fn describe(&self) -> Vec<Family> {
        self.collect(Families::described(&self.inner.modules))
    }

    /// Returns what [`metric_prefix`](Setup::metric_prefix) has put in front of the names of the
    /// HTTP and database families.
    #[must_use]
    pub fn metric_prefix(&self) -> Option<&str> {
        #[cfg(feature = "http")]
        return self.inner.parts.traffic.prefix();
        #[cfg(not(feature = "http"))]
        None
    }

    fn collect(&self, families: Families) -> Vec<Family> {
        #[cfg(feature = "http")]
        let is_description = families.is_description();
        let mut families = {
            let totals = Totals::now();
            let mut families = catalog::collect_from(&totals, families);
            if !self.inner.installed {
                self.inner.parts.collect(&totals, &mut families);
            }
            families.finish()
        };
        // What third-party crates record is known when they do.
        #[cfg(feature = "http")]
        if let Some(facade) = self.inner.facade.as_ref().filter(|_| !is_description) {
            families.extend(facade.families());
        }
        families.sort_by(|a, b| a.name.cmp(&b.name));
        let series = own::series(&families);
        let at = families.partition_point(|family| family.name < series.name);
        families.insert(at, series);
        families
    }

    /// Returns the families of this `Obs` alone, which no other shows.
    #[cfg(all(feature = "test", feature = "http"))]
    pub(crate) fn own_families(&self, totals: &Totals) -> Vec<Family> {
        let mut families = Families::default();
        self.inner.parts.collect(totals, &mut families);
        let mut families = families.finish();
        if let Some(facade) = &self.inner.facade {
            families.extend(facade.families());
        }
        families
    }

    /// Returns the text of a scrape.
    #[must_use]
    pub fn scrape(&self, format: Format) -> String {
        exposition::render(&self.families(), format)
    }

    /// Returns how many series each family has, may have, and is allowed.
    #[must_use]
    pub fn report(&self) -> Report {
        Report::of_service(&self.families(), &self.inner.modules)
    }
}

#[cfg(feature = "http")]
impl Obs {
    /// Counts the requests of a router and answers `/metrics`, `/health`, `/ready` and `/startup`.
    ///
    /// Call it last, when every route and layer is there: routes added later are not seen. It adds
    /// no route and no fallback; the endpoints are answered where the router matched nothing, so a
    /// route of the user's own wins.
    ///
    /// # Cardinality
    /// See [`HttpLayer`].
    pub fn wrap<S>(&self, router: axum::Router<S>) -> axum::Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        router.layer(self.layer())
    }

    /// Returns the layer of [`wrap`](Self::wrap), for tower services that are no axum router.
    #[must_use]
    pub fn layer(&self) -> HttpLayer {
        HttpLayer::new(self.clone())
    }

    /// Serves `/metrics`, `/health`, `/ready` and `/startup` on a port of their own: a private one,
    /// or for servers that speak over standard input and output.
    ///
    /// [`serve`](Self::serve) does it by itself where `OBS_ADMIN_ADDR` is set.
    ///
    /// The address is that of `OBS_ADMIN_ADDR`, or any free port of 127.0.0.1; ask the result for
    /// it. The service then counts as started, unless
    /// [`manual_startup`](crate::Setup::manual_startup) says otherwise. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// If the address cannot be bound, or can be reached from other machines without a token.
    ///
    /// # Example
    /// ```standalone_crate
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use obs_runtime::Obs;
    /// let obs = Obs::from_vars(obs_runtime::service!(), [("OBS_ENV", "dev")])?.detached()?;
    /// let admin = obs.serve_admin().await?;
    /// eprintln!("metrics on http://{}/metrics", admin.address());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve_admin(&self) -> Result<AdminServer, AdminError> {
        let admin = crate::http::serve_admin(self.clone()).await?;
        self.http().health.serving();
        self.http().serving.begin(self);
        Ok(admin)
    }

    /// Returns the recorder behind the `metrics` facade, or `None` if it was turned off.
    ///
    /// For composition with a recorder of the user's own, and for tests; see [`Recorder`].
    #[must_use]
    pub fn recorder(&self) -> Option<Recorder> {
        let facade = self.inner.facade.as_ref()?;
        Some(facade.recorder().clone())
    }

    /// Returns the filter of `RUST_LOG` or `LOG_LEVEL`.
    #[must_use]
    pub fn log_filter(&self) -> LogFilter {
        self.http().settings.log.filter()
    }

    /// Whether records through the `metrics` facade shall arrive, and do not.
    pub(super) fn facade_is_deaf(&self) -> bool {
        let facade = self.inner.facade.as_ref();
        self.inner.global_recorder && facade.is_some_and(|facade| !facade.answers())
    }

    pub(crate) fn http(&self) -> &HttpParts {
        &self.inner.parts.http
    }

    pub(crate) fn traffic(&self) -> &Arc<Traffic> {
        &self.inner.parts.traffic
    }

    #[cfg(any(feature = "sqlx", feature = "redis"))]
    pub(crate) fn databases(&self) -> &Databases {
        &self.inner.parts.databases
    }
}

impl fmt::Debug for Obs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obs")
            .field("service", self.service())
            .field("environment", self.environment())
            .finish_non_exhaustive()
    }
}
