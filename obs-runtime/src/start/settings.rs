//! What feature `http` is set up with.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Targets;

use super::config::Reader;
use super::value::log::{Stream, env_filter};
use super::value::traces::{Endpoint, ExportHeaders, Propagators, Protocol};
use super::{Service, variables};
use crate::client::PropagateHosts;
use crate::health::{HttpTarget, TcpTarget};
use crate::http::Token;
use crate::log::{LogFilter, LogFormat};

/// The values of the variables, with the defaults of the environment where they are unset.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) log: LogSettings,
    pub(crate) redact_keys: Vec<String>,
    pub(crate) sentry: SentrySettings,
    pub(crate) traces: TraceSettings,
    pub(crate) access: AccessSettings,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) propagate_hosts: PropagateHosts,
    pub(crate) checks: CheckSettings,
    pub(crate) shutdown_timeout: Duration,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub(crate) struct LogSettings {
    /// Directives of `EnvFilter`.
    pub(crate) filter: String,
    /// `None` depends on the terminal.
    pub(crate) format: Option<LogFormat>,
    pub(crate) stream: Stream,
    /// The share of successful safe requests that is logged.
    pub(crate) success_sample: f64,
}

/// What goes to Sentry. Read without the feature as well, so that mistakes are found.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "sentry"),
    expect(dead_code, reason = "only the feature uses them")
)]
pub(crate) struct SentrySettings {
    pub(crate) dsn: Option<String>,
    pub(crate) release: String,
    pub(crate) sample_rate: f64,
    pub(crate) traces_sample_rate: f64,
}

/// Which traces there are, and where their spans go.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a variable that stands for itself"
)]
pub(crate) struct TraceSettings {
    /// `None`: no collector is wanted.
    pub(crate) otlp: Option<OtlpSettings>,
    /// Spans are written to standard error.
    pub(crate) console: bool,
    /// Everything is off, whatever the rest says.
    pub(crate) disabled: bool,
    #[cfg_attr(
        not(feature = "otlp"),
        expect(dead_code, reason = "only the feature exports")
    )]
    pub(crate) queue: QueueSettings,
    pub(crate) ratio: f64,
    pub(crate) parent_based: bool,
    pub(crate) keep_errors: bool,
    pub(crate) propagators: Propagators,
}

/// How a collector is spoken to.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, reason = "only the feature exports")
)]
pub(crate) struct OtlpSettings {
    pub(crate) url: String,
    pub(crate) protocol: Protocol,
    pub(crate) headers: ExportHeaders,
    /// Of one attempt.
    pub(crate) timeout: Duration,
    pub(crate) gzip: bool,
}

/// How spans wait.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "otlp"),
    expect(dead_code, reason = "only the feature exports")
)]
pub(crate) struct QueueSettings {
    pub(crate) spans: usize,
    pub(crate) batch: usize,
    pub(crate) delay: Duration,
    /// Of all attempts at a batch.
    pub(crate) timeout: Duration,
}

/// Who may read `/metrics`.
#[derive(Clone)]
pub(crate) struct AccessSettings {
    pub(crate) tokens: Vec<Token>,
    pub(crate) tokens_of_file: Vec<Token>,
    pub(crate) admin_addr: Option<SocketAddr>,
}

/// What readiness depends on, as far as variables say it.
#[derive(Clone, Debug)]
pub(crate) struct CheckSettings {
    pub(crate) database: Option<TcpTarget>,
    pub(crate) cache: Option<TcpTarget>,
    pub(crate) external: Option<HttpTarget>,
}

impl fmt::Debug for AccessSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessSettings")
            .field("tokens", &(self.tokens.len() + self.tokens_of_file.len()))
            .field("admin_addr", &self.admin_addr)
            .finish()
    }
}

impl TraceSettings {
    /// Whether spans shall go anywhere.
    pub(crate) const fn is_wanted(&self) -> bool {
        !self.disabled && (self.otlp.is_some() || self.console)
    }
}

impl LogSettings {
    /// Whether the log debugs a target. Another layer of the subscriber may see everything, and is
    /// no reason to write backtraces.
    pub(crate) fn debugs(&self, target: &str) -> bool {
        let targets: Result<Targets, _> = self.filter.parse();
        // Directives about spans are no targets; the subscriber decides alone.
        targets.map_or(true, |targets| targets.would_enable(target, &Level::DEBUG))
    }

    pub(crate) fn filter(&self) -> LogFilter {
        let filter = without_statements(&self.filter);
        // It was parsed once before. Nothing but the default level is the safe answer.
        LogFilter::new(env_filter(&filter).unwrap_or_else(|_| EnvFilter::default()))
    }
}

/// Where `sqlx` logs statements, with whatever was written into them: those that were slow as
/// warnings.
const STATEMENTS: &str = "sqlx::query";

/// Leaves statements out, unless the directives name them.
fn without_statements(filter: &str) -> Cow<'_, str> {
    // Without any directive there is a default, which one more would take away.
    let is_empty = filter.trim_matches([',', ' ']).is_empty();
    if is_empty || filter.contains(STATEMENTS) {
        Cow::Borrowed(filter)
    } else {
        Cow::Owned(format!("{filter},{STATEMENTS}=off"))
    }
}

/// Reads what the variables say, in the order of the documentation.
pub(super) fn read(reader: &mut Reader<'_>, service: &Service) -> Settings {
    let rust_log = reader.read(&variables::RUST_LOG);
    let level = reader.read_or_default(&variables::LOG_LEVEL);
    let filter = rust_log.unwrap_or_else(|| {
        reader.fill(&variables::RUST_LOG.row, &level);
        level
    });
    let log = LogSettings {
        filter,
        format: reader.read(&variables::LOG_FORMAT),
        stream: reader.read_or_default(&variables::LOG_OUTPUT),
        success_sample: reader.read_or_default(&variables::SUCCESS_SAMPLE),
    };
    if log.format.is_none() {
        let name = match log.stream.format(reader.environment()) {
            LogFormat::Json => "json",
            LogFormat::Pretty => "pretty",
        };
        reader.fill(&variables::LOG_FORMAT.row, name);
    }
    let redact_keys = reader.read_or_default(&variables::REDACT_KEYS);
    let dsn = reader.read(&variables::SENTRY_DSN);
    let release = reader.read(&variables::SENTRY_RELEASE).unwrap_or_else(|| {
        let release = release_of(service);
        reader.fill(&variables::SENTRY_RELEASE.row, &release);
        release
    });
    let sentry = SentrySettings {
        dsn,
        release,
        sample_rate: reader.read_or_default(&variables::SENTRY_SAMPLE_RATE),
        traces_sample_rate: reader.read_or_default(&variables::SENTRY_TRACES_SAMPLE_RATE),
    };
    let traces = traces(reader);
    let access = AccessSettings {
        tokens: reader.read_or_default(&variables::METRICS_TOKEN),
        tokens_of_file: reader.read_or_default(&variables::METRICS_TOKEN_FILE),
        admin_addr: reader.read(&variables::ADMIN_ADDR),
    };
    let trusted_proxies = reader.read_or_default(&variables::TRUSTED_PROXIES);
    let propagate_hosts = reader.read_or_default(&variables::PROPAGATE_HOSTS);
    let db_host = reader.read(&variables::CHECK_DB_HOST);
    let db_port = reader.read_or_default(&variables::CHECK_DB_PORT);
    let cache_host = reader.read(&variables::CHECK_CACHE_HOST);
    let cache_port = reader.read_or_default(&variables::CHECK_CACHE_PORT);
    let checks = CheckSettings {
        database: target(db_host, db_port),
        cache: target(cache_host, cache_port),
        external: reader.read(&variables::CHECK_URL),
    };
    Settings {
        log,
        redact_keys,
        sentry,
        traces,
        access,
        trusted_proxies,
        propagate_hosts,
        checks,
        shutdown_timeout: reader.read_or_default(&variables::SHUTDOWN_TIMEOUT),
    }
}

fn traces(reader: &mut Reader<'_>) -> TraceSettings {
    let exporters = reader.read(&variables::TRACES_EXPORTER);
    let own = reader.read(&variables::TRACES_ENDPOINT);
    let general = reader.read(&variables::OTLP_ENDPOINT);
    let protocol = reader.read(&variables::OTLP_PROTOCOL);
    let headers = reader.read(&variables::OTLP_HEADERS).unwrap_or_default();
    let timeout = reader.read_or_default(&variables::OTLP_TIMEOUT);
    let gzip = reader.read_or_default(&variables::OTLP_COMPRESSION);
    let spans = reader.read_or_default(&variables::BSP_QUEUE);
    let queue = QueueSettings {
        spans,
        batch: reader.read_or_default(&variables::BSP_BATCH).min(spans),
        delay: reader.read_or_default(&variables::BSP_DELAY),
        timeout: reader.read_or_default(&variables::BSP_TIMEOUT),
    };
    let sampler = reader.read_or_default(&variables::TRACES_SAMPLER);
    let share = reader.read_or_default(&variables::TRACES_SAMPLER_ARG);
    let keep_errors = reader.read_or_default(&variables::TRACES_KEEP_ERRORS);
    let propagators = reader.read_or_default(&variables::PROPAGATORS);
    let disabled = reader.read_or_default(&variables::SDK_DISABLED);
    let console = reader.read_or_default(&variables::CONSOLE_TRACES);

    let is_wanted = exporters.is_none_or(|exporters| exporters.otlp);
    let is_asked_for = exporters.is_some_and(|exporters| exporters.otlp);
    let url = url(own, general, protocol, is_asked_for).filter(|_| is_wanted);
    TraceSettings {
        otlp: url.map(|(url, protocol)| OtlpSettings {
            url,
            protocol,
            headers,
            timeout,
            gzip,
        }),
        console: console || exporters.is_some_and(|exporters| exporters.console),
        disabled,
        queue,
        ratio: sampler.ratio(share),
        parent_based: sampler.is_parent_based(),
        // Who says that nothing is recorded means the failed ones as well.
        keep_errors: keep_errors && !sampler.is_off(),
        propagators,
    }
}

/// Where spans go, and how, by the rules of OpenTelemetry: an endpoint for all signals gets the
/// path of this one, an endpoint for this one is used as it stands.
fn url(
    own: Option<Endpoint>,
    general: Option<Endpoint>,
    protocol: Option<Protocol>,
    is_asked_for: bool,
) -> Option<(String, Protocol)> {
    if let Some(endpoint) = own {
        return Some((endpoint.url, protocol.unwrap_or(endpoint.implied)));
    }
    let default = || is_asked_for.then(|| protocol.unwrap_or(Protocol::Grpc).default_endpoint());
    let endpoint = general.or_else(default)?;
    let protocol = protocol.unwrap_or(endpoint.implied);
    let path = match protocol {
        Protocol::Grpc => "",
        Protocol::HttpProtobuf => "/v1/traces",
    };
    Some((format!("{}{path}", endpoint.url), protocol))
}

fn target(host: Option<String>, port: u16) -> Option<TcpTarget> {
    // Both were looked at when they were read.
    TcpTarget::new(&host?, port).ok()
}

/// `name@version`, without the characters that Sentry refuses.
fn release_of(service: &Service) -> String {
    let release = format!("{}@{}", service.name(), service.version());
    let fits = |c: char| !matches!(c, '/' | '\\') && !c.is_control();
    let kept = release.chars().map(|c| if fits(c) { c } else { '-' });
    kept.take(200).collect()
}
