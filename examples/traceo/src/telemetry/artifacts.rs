//! Dashboards, alerts, the stack and the pages about them: what the declarations make.

use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;

use obs::Obs;
use obs_artifacts::{Catalogue, LoadError, Problems, Service, System};

use super::Role;
use super::renamed::RENAMED;
use crate::cli::{Artifacts, Task};

/// Why nothing came of it.
#[derive(Debug)]
pub(crate) enum ArtifactsError {
    Setup(obs::ConfigError),
    Start(obs::StartError),
    System(Problems),
    Write(io::Error),
    Read(io::Error),
    Saved(LoadError),
}

impl fmt::Display for ArtifactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
            Self::System(problems) => problems.fmt(f),
            Self::Write(error) => write!(f, "the artifacts cannot be written: {error}"),
            Self::Read(error) => write!(f, "the artifacts cannot be read: {error}"),
            Self::Saved(error) => error.fmt(f),
        }
    }
}

/// What came of it, in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine(String),
    /// Something is not as it should be.
    Not(String),
}

/// What makes the committed files again.
pub(crate) const COMMAND: &str = "cargo run -p traceo -- artifacts .";

/// Writes them below a folder, or says what is different there.
pub(crate) fn run(asked: &Artifacts) -> Result<Outcome, ArtifactsError> {
    match asked.task {
        Task::Write => write(&asked.folder).map(|()| Outcome::Fine(String::new())),
        Task::Check => check(&asked.folder),
        Task::Diff => diff(&asked.folder),
    }
}

fn write(root: &Path) -> Result<(), ArtifactsError> {
    let files = system()?.render().map_err(ArtifactsError::System)?;
    files.write(root).map_err(ArtifactsError::Write)
}

fn check(root: &Path) -> Result<Outcome, ArtifactsError> {
    let files = system()?.render().map_err(ArtifactsError::System)?;
    let differences = files.compare(root).map_err(ArtifactsError::Read)?;
    if differences.is_empty() {
        return Ok(Outcome::Fine(String::new()));
    }
    let mut text = String::from("not what the declarations make:\n");
    for difference in differences {
        writeln!(text, "- {difference}").ok();
    }
    writeln!(text, "\nfix: {COMMAND}").ok();
    Ok(Outcome::Not(text))
}

fn diff(root: &Path) -> Result<Outcome, ArtifactsError> {
    let saved = Catalogue::load_all(&root.join("deploy/catalogue"));
    let saved = saved.map_err(ArtifactsError::Saved)?;
    let now = [catalogue(Role::Mcp)?, catalogue(Role::Engine)?];
    let diff = Catalogue::compare_all(&saved, &now);
    let text = format!("{diff}\n");
    Ok(if diff.breaking {
        Outcome::Not(text)
    } else {
        Outcome::Fine(text)
    })
}

/// Both services, as they run in prod.
pub(crate) fn system() -> Result<System, ArtifactsError> {
    let system = System::new("traceo")
        .service(service(Role::Mcp)?.variable("ENGINE_URL", url(Role::Engine)))
        .service(service(Role::Engine)?.variable("MCP_URL", url(Role::Mcp)))
        .image(concat!("traceo:", env!("CARGO_PKG_VERSION")))
        .made_by(COMMAND);
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
