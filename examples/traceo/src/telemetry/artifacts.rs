//! Dashboards, alerts, the stack and the pages about them: what the declarations make.

use std::fmt;
use std::io;
use std::path::Path;

use obs::Obs;
use obs_artifacts::{Catalogue, Problems, Service, System};

use super::Role;
use super::renamed::RENAMED;

/// Why the artifacts were not written.
#[derive(Debug)]
pub(crate) enum ArtifactsError {
    Setup(obs::ConfigError),
    Start(obs::StartError),
    System(Problems),
    Write(io::Error),
}

impl fmt::Display for ArtifactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::System(problems) => problems.fmt(f),
            Self::Write(error) => write!(f, "the artifacts cannot be written: {error}"),
        }
    }
}

/// Writes all of them below a folder.
pub(crate) fn write(root: &Path) -> Result<(), ArtifactsError> {
    let files = system()?.render().map_err(ArtifactsError::System)?;
    files.write(root).map_err(ArtifactsError::Write)
}

/// Both services, as they run in prod.
pub(crate) fn system() -> Result<System, ArtifactsError> {
    let system = System::new("traceo")
        .service(service(Role::Mcp)?.variable("ENGINE_URL", url(Role::Engine)))
        .service(service(Role::Engine)?.variable("MCP_URL", url(Role::Mcp)))
        .image(concat!("traceo:", env!("CARGO_PKG_VERSION")))
        .made_by("cargo run -p traceo -- artifacts .");
    let renamed = RENAMED.into_iter();
    Ok(renamed.fold(system, |system, (old, new, note)| {
        system.renamed(old, new, note)
    }))
}

fn service(role: Role) -> Result<Service, ArtifactsError> {
    let listen = format!("0.0.0.0:{}", port(role));
    Ok(Service::new(catalogue(role)?)
        .port(port(role))
        .data(DATA)
        .arguments([
            role.command(),
            "--data",
            DATA,
            "--listen",
            &listen,
            "--remote",
            role.name(),
        ]))
}

/// Where a service keeps what it writes, in its container.
const DATA: &str = "/data";

const fn port(role: Role) -> u16 {
    match role {
        Role::Mcp => 8787,
        Role::Engine => 8788,
    }
}

/// Where a service is reached in a network in which its name is that of its host.
fn url(role: Role) -> String {
    format!("http://{}:{}", role.name(), port(role))
}

/// What a service declares, whatever the variables of this process say.
pub(crate) fn catalogue(role: Role) -> Result<Catalogue, ArtifactsError> {
    let setup = Obs::from_vars(role.service(), [("OBS_ENV", "prod")]);
    let setup = role.declared(setup.map_err(ArtifactsError::Setup)?);
    let obs = setup.detached().map_err(ArtifactsError::Start)?;
    Ok(Catalogue::of(&obs))
}
