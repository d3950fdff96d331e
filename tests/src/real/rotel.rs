//! rotel, a collector that is not ours: it takes spans and shows what it understood of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::component::Component;
use super::http::free_address;
use super::process::{Process, Signal, not_outliving_us};
use super::wait_for;
use crate::collector::Shown;

/// A collector that takes spans over gRPC and over HTTP.
#[derive(Debug)]
pub struct Rotel {
    /// Where it takes them over gRPC.
    pub grpc: SocketAddr,
    /// Where it takes them over HTTP.
    pub http: SocketAddr,
    process: Process,
    dump: PathBuf,
    _folder: TempDir,
}

impl Rotel {
    /// Starts one and waits for it.
    ///
    /// # Panics
    ///
    /// Where it does not start.
    pub fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (grpc, http) = (free_address(), free_address());
        let dump = folder.path().join("dump");
        let mut command = not_outliving_us(Signal::Kill, Component::Rotel.path());
        command
            .current_dir(folder.path())
            .arg("start")
            .args(["--otlp-grpc-endpoint", &grpc.to_string()])
            .args(["--otlp-http-endpoint", &http.to_string()])
            .args(["--exporter", "blackhole", "--debug-log", "traces"])
            .args(["--debug-log-verbosity", "detailed"])
            .stdout(File::create(&dump).expect("a file"));
        let mut rotel = Self {
            grpc,
            http,
            process: Process::start("rotel", folder.path(), &mut command),
            dump,
            _folder: folder,
        };
        wait_for("rotel", Duration::from_secs(20), || {
            assert!(!rotel.process.ended(), "rotel has ended");
            TcpStream::connect(grpc).ok()?;
            TcpStream::connect(http).ok()
        });
        rotel
    }

    /// Returns the spans that it has shown up to now.
    ///
    /// # Panics
    ///
    /// Where it writes what is not understood here.
    pub fn spans(&self) -> Vec<Shown> {
        read(&fs::read_to_string(&self.dump).expect("text"))
    }
}

impl Drop for Rotel {
    fn drop(&mut self) {
        self.process.stop(Signal::Term, Duration::from_secs(5));
    }
}

/// What the attributes below a heading are of.
enum Of {
    Nothing,
    Resource,
    Span,
}

fn read(dump: &str) -> Vec<Shown> {
    let mut spans: Vec<Shown> = Vec::new();
    let mut resource = BTreeMap::new();
    let mut of = Of::Nothing;
    // The last line may be half written.
    let whole = dump.rfind('\n').map_or("", |end| &dump[..end]);
    for line in whole.lines() {
        if let Some(attribute) = line.strip_prefix("     -> ") {
            let (key, value) = attribute.split_once(": ").unwrap_or((attribute, ""));
            let entry = (key.to_owned(), bare(value).to_owned());
            match (&of, spans.last_mut()) {
                (Of::Resource, _) => drop(resource.insert(entry.0, entry.1)),
                (Of::Span, Some(span)) => drop(span.attributes.insert(entry.0, entry.1)),
                _ => {}
            }
            continue;
        }
        let (heading, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match heading.trim() {
            "Resource attributes" => {
                resource.clear();
                of = Of::Resource;
            }
            "Attributes" => of = Of::Span,
            heading if heading.starts_with("Span #") => {
                of = Of::Nothing;
                let service = resource.get("service.name");
                spans.push(Shown {
                    service: service.cloned().unwrap_or_default(),
                    ..Shown::default()
                });
            }
            heading => {
                of = Of::Nothing;
                let Some(span) = spans.last_mut() else {
                    continue;
                };
                let field = match heading {
                    "Trace ID" => &mut span.trace_id,
                    "Parent ID" => &mut span.parent_id,
                    "ID" => &mut span.span_id,
                    "Name" => &mut span.name,
                    "Kind" => &mut span.kind,
                    "Status code" => &mut span.status,
                    _ => continue,
                };
                value.clone_into(field);
            }
        }
    }
    spans
}

/// The value of `Str(value)`.
fn bare(value: &str) -> &str {
    value
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'))
        .unwrap_or(value)
}
