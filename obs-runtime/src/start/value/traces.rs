//! Values about the export of spans.

use std::fmt;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::{Parsed, decode};

/// The ports that OpenTelemetry collectors listen on.
const GRPC_PORT: u16 = 4317;
const HTTP_PORT: u16 = 4318;

/// Header fields that one export may have.
const MAX_HEADERS: usize = 32;

/// Where spans are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme, host, port and path, without a `/` at its end.
    pub(crate) url: String,
    /// What the port, the path or the form says about the protocol.
    pub(crate) implied: Protocol,
}

/// How spans are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    HttpProtobuf,
}

impl Protocol {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }

    /// Where a collector on this machine listens.
    pub(crate) fn default_endpoint(self) -> Endpoint {
        let port = match self {
            Self::Grpc => GRPC_PORT,
            Self::HttpProtobuf => HTTP_PORT,
        };
        Endpoint {
            url: format!("http://localhost:{port}"),
            implied: self,
        }
    }
}

/// Which exporters there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exporters {
    pub(crate) otlp: bool,
    pub(crate) console: bool,
}

/// `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SamplerKind {
    AlwaysOn,
    AlwaysOff,
    Ratio,
    ParentAlwaysOn,
    ParentAlwaysOff,
    #[default]
    ParentRatio,
}

impl SamplerKind {
    /// Whether the decision of a parent holds.
    pub(crate) const fn is_parent_based(self) -> bool {
        matches!(
            self,
            Self::ParentAlwaysOn | Self::ParentAlwaysOff | Self::ParentRatio
        )
    }

    /// Whether nothing is recorded, whatever a parent says.
    pub(crate) const fn is_off(self) -> bool {
        matches!(self, Self::AlwaysOff)
    }

    /// The share of traces, `argument` being that of `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) const fn ratio(self, argument: f64) -> f64 {
        match self {
            Self::AlwaysOn | Self::ParentAlwaysOn => 1.0,
            Self::AlwaysOff | Self::ParentAlwaysOff => 0.0,
            Self::Ratio | Self::ParentRatio => argument,
        }
    }
}

/// `OTEL_PROPAGATORS`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Propagators {
    pub(crate) tracecontext: bool,
    pub(crate) baggage: bool,
}

/// Fields that go with each export. Their values are secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ExportHeaders(pub(crate) Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for ExportHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A URL, or `host:port`.
pub(crate) fn endpoint(text: &str) -> Parsed<Endpoint> {
    let bare = !text.contains("://");
    let url = if bare {
        format!("http://{text}")
    } else {
        text.to_owned()
    };
    let uri: Uri = url.parse().map_err(|_| String::new())?;
    let scheme = uri.scheme_str().ok_or_else(String::new)?;
    if !matches!(scheme, "http" | "https") {
        return Err("the scheme is neither http nor https".to_owned());
    }
    let authority = uri.authority().ok_or_else(String::new)?;
    if authority.as_str().contains('@') {
        return Err(
            "user and password belong into OTEL_EXPORTER_OTLP_HEADERS, as `authorization`"
                .to_owned(),
        );
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("it has a query or a fragment".to_owned());
    }
    if authority.host().is_empty() {
        return Err("the host is missing".to_owned());
    }
    let port = match (authority.port(), authority.port_u16()) {
        (None, _) if authority.as_str().ends_with(':') => return Err("the port is missing".into()),
        (Some(_), None | Some(0)) => return Err("the port is none".to_owned()),
        (_, port) => port,
    };
    if bare && (port.is_none() || !matches!(uri.path(), "" | "/")) {
        return Err("without `http://` it is a host and a port".to_owned());
    }
    let path = uri.path().trim_end_matches('/');
    let implied = match port {
        Some(GRPC_PORT) => Protocol::Grpc,
        Some(HTTP_PORT) => Protocol::HttpProtobuf,
        // As OpenTelemetry has it, where nothing says otherwise.
        _ if !bare => Protocol::HttpProtobuf,
        _ => Protocol::Grpc,
    };
    Ok(Endpoint {
        url: format!("{scheme}://{authority}{path}"),
        implied,
    })
}

pub(crate) fn protocol(text: &str) -> Parsed<Protocol> {
    match text {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        "http/json" => {
            Err("`http/json` is not supported: collectors take `http/protobuf` as well".to_owned())
        }
        _ => Err(String::new()),
    }
}

/// `key=value,key=value` with the values percent-encoded, as OpenTelemetry writes it. Errors repeat
/// nothing of it.
pub(crate) fn headers(text: &str) -> Parsed<ExportHeaders> {
    let mut headers = Vec::new();
    for pair in text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').ok_or("a pair has no `=`")?;
        let name: HeaderName = name.trim().parse().map_err(|_| "a name is no header's")?;
        if is_of_the_exporter(&name) {
            return Err("a header of that name is the exporter's own".to_owned());
        }
        let value = decode(value.trim()).ok_or("a value is not percent-encoded UTF-8")?;
        let fits = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if !fits {
            return Err("a value has other characters than visible ASCII".to_owned());
        }
        let mut value: HeaderValue = value.parse().map_err(|_| "a value is no header's")?;
        value.set_sensitive(true);
        headers.push((name, value));
    }
    match headers.len() {
        1..=MAX_HEADERS => Ok(ExportHeaders(headers)),
        _ => Err(String::new()),
    }
}

fn is_of_the_exporter(name: &HeaderName) -> bool {
    const OWN: [&str; 8] = [
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    OWN.contains(&name.as_str())
        || name.as_str().starts_with("grpc-")
        // Their values would have to be Base64, which nobody writes into a variable.
        || name.as_str().ends_with("-bin")
}

/// A whole number of milliseconds.
pub(crate) fn milliseconds(text: &str) -> Parsed<Duration> {
    match text.parse() {
        Ok(number @ 1..=600_000) => Ok(Duration::from_millis(number)),
        _ => Err(String::new()),
    }
}

/// Whether spans are compressed.
pub(crate) fn gzip(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "gzip" => Ok(true),
        "none" => Ok(false),
        _ => Err(String::new()),
    }
}

pub(crate) fn queue_size(text: &str) -> Parsed<usize> {
    within(text, 65_536)
}

pub(crate) fn batch_size(text: &str) -> Parsed<usize> {
    within(text, 8_192)
}

fn within(text: &str, most: usize) -> Parsed<usize> {
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(String::new()),
    }
}

/// `true` or `false`, as OpenTelemetry writes it, or `1` or `0`.
pub(crate) fn boolean(text: &str) -> Parsed<bool> {
    super::switch(&text.to_ascii_lowercase())
}

pub(crate) fn exporters(text: &str) -> Parsed<Exporters> {
    let mut exporters = Exporters::default();
    let mut none = false;
    for name in names(text) {
        match name {
            "otlp" => exporters.otlp = true,
            "console" => exporters.console = true,
            "none" => none = true,
            _ => return Err(String::new()),
        }
    }
    // `none` beside another one contradicts itself.
    if none == (exporters == Exporters::default()) {
        Ok(exporters)
    } else {
        Err(String::new())
    }
}

pub(crate) fn propagators(text: &str) -> Parsed<Propagators> {
    let mut propagators = Propagators::default();
    let mut none = false;
    for name in names(text) {
        match name {
            "tracecontext" => propagators.tracecontext = true,
            "baggage" => propagators.baggage = true,
            "none" => none = true,
            "b3" | "b3multi" | "jaeger" | "xray" | "ottrace" => {
                return Err(format!("`{name}` is not supported"));
            }
            _ => return Err(String::new()),
        }
    }
    if none == (propagators == Propagators::default()) {
        Ok(propagators)
    } else {
        Err(String::new())
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

pub(crate) fn sampler(text: &str) -> Parsed<SamplerKind> {
    match text {
        "always_on" => Ok(SamplerKind::AlwaysOn),
        "always_off" => Ok(SamplerKind::AlwaysOff),
        "traceidratio" => Ok(SamplerKind::Ratio),
        "parentbased_always_on" => Ok(SamplerKind::ParentAlwaysOn),
        "parentbased_always_off" => Ok(SamplerKind::ParentAlwaysOff),
        "parentbased_traceidratio" => Ok(SamplerKind::ParentRatio),
        "jaeger_remote" | "parentbased_jaeger_remote" | "xray" => {
            Err(format!("`{text}` is not supported"))
        }
        _ => Err(String::new()),
    }
}
