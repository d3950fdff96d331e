//! The lines that start either service: the same for both.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use obs::http::AdminServer;
use obs::{BoxError, Check, Obs, Setup, Shutdown};
use obs_console::Console;
use tokio::net::TcpListener;

use super::clients::{self, Pool, Queue};
use super::surroundings::{self, Scraping};
use super::user;
use crate::settings::Settings;

/// Which of the two services a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Engine,
    Mcp,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Engine => "traceo-engine",
            Self::Mcp => "traceo-mcp",
        }
    }

    /// Where the service declares what it counts; the other one's numbers are not its own.
    const fn modules(self) -> [&'static str; 2] {
        match self {
            Self::Engine => ["traceo::engine", "traceo::metrics::engine"],
            Self::Mcp => ["traceo::mcp", "traceo::metrics::mcp"],
        }
    }

    /// The command that starts it alone.
    pub(super) const fn command(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Mcp => "mcp",
        }
    }

    pub(super) fn service(self) -> obs::Service {
        obs::Service::new(self.name(), env!("CARGO_PKG_VERSION"))
    }

    /// Says what its metrics are.
    pub(super) fn declared(self, setup: Setup) -> Setup {
        setup.declared_in(self.modules()).metric_prefix("traceo")
    }

    /// Reads the variables of the environment.
    pub(crate) fn setup(self) -> Result<Setup, obs::ConfigError> {
        let setup = Obs::from_env(self.service())?;
        // Standard output belongs to MCP, and over HTTP to what a person is told.
        Ok(self.declared(setup).mcp_stdio())
    }

    /// Adds the console, which follows a request into the other service.
    pub(crate) fn with_console(self, setup: Setup, settings: &Settings) -> Setup {
        let (other, url) = match self {
            Self::Engine => (Self::Mcp, &settings.mcp),
            Self::Mcp => (Self::Engine, &settings.engine),
        };
        setup.admin_page(Console::new().peer(other.name(), url))
    }
}

/// What a service is started with.
pub(crate) type Start = Setup;

/// A started service, as the rest of the program sees it.
#[derive(Clone, Debug)]
pub(crate) struct Telemetry {
    pub(crate) obs: Obs,
}

impl Telemetry {
    pub(crate) fn pool(&self, pool: sqlx::AnyPool) -> Pool {
        self.readiness("database", Check::sqlx(&pool));
        clients::pool(&self.obs, pool)
    }

    pub(crate) fn queue(&self, connection: redis::aio::ConnectionManager) -> Queue {
        self.readiness("redis", Check::redis_connection(&connection));
        clients::queue(&self.obs, connection)
    }

    /// Shows the answer of `probe` under `name` in `/ready`, and is ready only while it is `Ok`.
    pub(crate) fn ready<F>(&self, name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.readiness(name, Check::new(probe));
    }

    /// As [`ready`](Self::ready), where the other service answers at a URL.
    pub(crate) fn ready_at(&self, name: &'static str, url: &str) -> Result<(), BoxError> {
        self.readiness(name, Check::http(url)?);
        Ok(())
    }

    /// As [`ready_at`](Self::ready_at), but a failure does not take the service out of use.
    pub(crate) fn watched_url(&self, name: &'static str, url: &str) -> Result<(), BoxError> {
        self.readiness(name, Check::http(url)?.optional());
        Ok(())
    }

    fn readiness(&self, name: &'static str, check: Check) {
        let check = check
            .timeout(Duration::from_secs(2))
            .cache(Duration::from_secs(1));
        self.obs.ready(name, check);
    }

    pub(crate) fn shutdown(&self) -> Shutdown {
        self.obs.shutdown()
    }

    /// Serves until the process is told to stop.
    pub(crate) async fn serve(
        &self,
        listener: TcpListener,
        router: Router,
    ) -> Result<(), BoxError> {
        self.obs.serve(listener, self.wrap(router)).await?;
        Ok(())
    }

    /// Observes what a router answers, and finds out who asks.
    pub(crate) fn wrap(&self, router: Router) -> Router {
        self.obs.wrap(router.layer(from_fn(user::identify)))
    }

    /// Serves `/metrics` and the rest on an address of their own, for a service that has none.
    pub(crate) async fn serve_beside_pipes(&self) -> Result<AdminServer, BoxError> {
        let admin = self.obs.serve_admin().await?;
        self.obs.startup_complete();
        Ok(admin)
    }

    /// Says what a scrape takes.
    pub(crate) fn scraping(&self) -> Scraping {
        surroundings::scraping(&self.obs)
    }
}
