//! Dashboards, alerts, a stack and documentation from what a service declares with `obs`.
//!
//! A [`Catalogue`] says what one service can show on `/metrics`; a [`System`] joins the services
//! that are run together, and [`System::render`] makes every file of them: the same declarations
//! give the same bytes, whatever the machine.
//!
//! | folder | what is in it |
//! |---|---|
//! | `deploy/prometheus` | scrape configuration, recording rules, alerts by environment, their unit tests |
//! | `deploy/alertmanager` | routes and inhibition |
//! | `deploy/grafana` | dashboards for metrics, logs and traces, provisioned |
//! | `deploy/compose.yaml` | the services with everything that observes them |
//! | `deploy/kubernetes` | Deployment, Service, `ServiceMonitor`, `PrometheusRule`, kustomization |
//! | `deploy/catalogue` | what is declared, as data: for comparison with a later version |
//! | `docs/metrics.md`, `docs/runbooks`, `docs/deploy.md` | pages for people |
//!
//! # Example
//! ```standalone_crate
//! use obs_artifacts::{Catalogue, Service, System};
//! use obs_runtime::Obs;
//!
//! obs_runtime::metrics! {
//!     registry SHOP;
//!
//!     /// Orders taken.
//!     counter shop_orders_total();
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # shop_orders_total().inc();
//! let service = obs_runtime::Service::new("shop", "1.0.0");
//! let obs = Obs::from_vars(service, [("OBS_ENV", "prod")])?.detached()?;
//! let system = System::new("shop").service(Service::new(Catalogue::of(&obs)).port(8080));
//! let files = system.render()?;
//! assert!(files.get("docs/metrics.md").is_some());
//! # Ok(())
//! # }
//! ```

mod catalogue;
mod environment;
mod files;
mod grafana;
mod metrics_page;
mod problem;
mod prometheus;
mod render;
mod runbooks;
mod stack;
mod system;
mod yaml;

pub use catalogue::{
    Block, Catalogue, Change, ChangeKind, Diff, Kind, Label, LoadError, Metric, Objective, Origin,
};
pub use environment::{Environment, Threshold};
pub use files::{Files, OutOfStep};
pub use problem::{Problem, Problems};
pub use system::{Service, System};
