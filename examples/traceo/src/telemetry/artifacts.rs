//! Dashboards, alerts, the stack and the pages about them: what the declarations make.

use std::fmt;
use std::io;
use std::path::Path;

use obs::Obs;
use obs_artifacts::{Catalogue, Problems, Service, System};

use super::Role;

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
    Ok(System::new("traceo")
        .service(service(Role::Mcp, 8787)?)
        .service(service(Role::Engine, 8788)?)
        .made_by("traceo artifacts ."))
}

fn service(role: Role, port: u16) -> Result<Service, ArtifactsError> {
    Ok(Service::new(catalogue(role)?)
        .port(port)
        .arguments([role.command()]))
}

/// What a service declares, whatever the variables of this process say.
pub(crate) fn catalogue(role: Role) -> Result<Catalogue, ArtifactsError> {
    let setup = Obs::from_vars(role.service(), [("OBS_ENV", "prod")]);
    let setup = role.declared(setup.map_err(ArtifactsError::Setup)?);
    let obs = setup.detached().map_err(ArtifactsError::Start)?;
    Ok(Catalogue::of(&obs))
}
