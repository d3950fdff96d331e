//! What is run together: the services, and where.

use crate::catalogue::Catalogue;
use crate::environment::Environment;
use crate::files::MADE;

/// The services that are run together, and the environments that they run in.
#[derive(Clone, Debug)]
pub struct System {
    pub(crate) name: String,
    pub(crate) services: Vec<Service>,
    pub(crate) environments: Vec<Environment>,
    pub(crate) runbooks: String,
    pub(crate) command: String,
    pub(crate) mail_relay: String,
    pub(crate) mail_user: Option<String>,
    pub(crate) renames: Vec<Rename>,
    pub(crate) schemas: String,
    pub(crate) program: String,
    pub(crate) image: String,
}

/// A metric that had another name.
#[derive(Clone, Debug)]
pub(crate) struct Rename {
    pub(crate) old: String,
    pub(crate) new: String,
    pub(crate) note: String,
}

/// One service: what it declares, and how it is reached.
#[derive(Clone, Debug)]
pub struct Service {
    pub(crate) catalogue: Catalogue,
    pub(crate) port: u16,
    pub(crate) arguments: Vec<String>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) data: Option<String>,
}

impl System {
    /// Begins a system without services, in prod, staging and dev.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            program: name.clone(),
            image: format!("{name}:0.1.0"),
            name,
            services: Vec::new(),
            environments: vec![
                Environment::prod(),
                Environment::staging(),
                Environment::dev(),
            ],
            runbooks: "docs/runbooks".to_owned(),
            command: String::new(),
            mail_relay: "mail:25".to_owned(),
            mail_user: None,
            renames: Vec::new(),
            schemas: "https://schemas.invalid".to_owned(),
        }
    }

    /// Adds a service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Puts these environments in the place of prod, staging and dev.
    #[must_use]
    pub fn environments(mut self, environments: impl IntoIterator<Item = Environment>) -> Self {
        self.environments = environments.into_iter().collect();
        self
    }

    /// Says where the runbooks can be read: an address to which `/<alert>.md` is added.
    #[must_use]
    pub fn runbooks(mut self, address: impl Into<String>) -> Self {
        self.runbooks = address.into();
        self
    }

    /// Says who takes the mail of Alertmanager, as `host:port`; `mail:25` unless set.
    #[must_use]
    pub fn mail_relay(mut self, address: impl Into<String>) -> Self {
        self.mail_relay = address.into();
        self
    }

    /// Says as whom Alertmanager logs in there, with the password from the file
    /// `/etc/alertmanager/secrets/smtp-password`.
    #[must_use]
    pub fn mail_user(mut self, name: impl Into<String>) -> Self {
        self.mail_user = Some(name.into());
        self
    }

    /// Says which command makes the files, for the first line of each.
    #[must_use]
    pub fn made_by(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    /// Says what a metric was called in a system that this one takes the place of, for those who
    /// look for it: `docs/metrics.md` has a table of them. The old name and the note are Markdown;
    /// the new name is that of a metric of a service, with its prefix, and may have labels:
    /// `shop_http_streams_open{kind="websocket"}`.
    #[must_use]
    pub fn renamed(
        mut self,
        old: impl Into<String>,
        new: impl Into<String>,
        note: impl Into<String>,
    ) -> Self {
        self.renames.push(Rename {
            old: old.into(),
            new: new.into(),
            note: note.into(),
        });
        self
    }

    /// Says which package of the workspace, and which binary in it, holds all services: the name of
    /// the system, unless it is said. The arguments of a service say which one it is to be.
    #[must_use]
    pub fn program(mut self, name: impl Into<String>) -> Self {
        self.program = name.into();
        self
    }

    /// Says which image the services run from, with its tag: the name of the system and `0.1.0`,
    /// unless it is said.
    #[must_use]
    pub fn image(mut self, image: impl Into<String>) -> Self {
        self.image = image.into();
        self
    }

    /// Says under which address the schemas of the services are known, without a slash at its end:
    /// a registry of OpenTelemetry Weaver is named by one, and nothing needs to be found there.
    #[must_use]
    pub fn schemas(mut self, address: impl Into<String>) -> Self {
        self.schemas = address.into();
        self
    }

    /// The first line of a generated file.
    pub(crate) fn notice(&self) -> String {
        let by = if self.command.is_empty() {
            "obs-artifacts"
        } else {
            &self.command
        };
        format!("{MADE}`{by}`; edits are lost.")
    }
}

impl Service {
    /// Begins a service that listens on port 8080.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        Self {
            catalogue,
            port: 8080,
            arguments: Vec::new(),
            variables: Vec::new(),
            data: None,
        }
    }

    /// Says on which port it serves, `/metrics` included.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Says with which arguments its program is started.
    #[must_use]
    pub fn arguments<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Keeps what it writes below a folder of its container, an absolute path. Without it, it can
    /// write to `/tmp` only, and loses that when it stops.
    #[must_use]
    pub fn data(mut self, folder: impl Into<String>) -> Self {
        self.data = Some(folder.into());
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.catalogue.service
    }
}
