//! The table of all variables: nothing else is read, and the documentation is made of it.

use super::Environment;
use super::value::{self, ResourceAttributes};
use super::variable::{Row, Section, Show, Unset, Variable};

pub(super) static ENVIRONMENT: Variable<Environment> = Variable {
    row: Row {
        section: Section::Service,
        names: &["OBS_ENV", "ENVIRONMENT", "SENTRY_ENVIRONMENT"],
        meaning: "Where the service runs. Other defaults depend on it; names other than `dev` \
                  (`development`), `staging` (`stage`) and `prod` (`production`) behave like `prod`.",
        expected: "`dev`, `staging`, `prod`, or 1 to 64 of the characters `A-Z a-z 0-9 . _ -`",
        unset: Unset::Words(
            "`deployment.environment.name` of `OTEL_RESOURCE_ATTRIBUTES`, else `dev` in a debug \
             build and `prod` in a release build",
        ),
        example: "staging",
        show: Show::Text,
    },
    parse: value::environment,
};

pub(super) static SERVICE_NAME: Variable<String> = Variable {
    row: Row {
        section: Section::Service,
        names: &["OTEL_SERVICE_NAME", "APP_NAME"],
        meaning: "The service's name.",
        expected: "a name of at most 255 bytes without control characters",
        unset: Unset::Words(
            "`service.name` of `OTEL_RESOURCE_ATTRIBUTES`, else the name given to `service!()`",
        ),
        example: "traceo-engine",
        show: Show::Text,
    },
    parse: value::name,
};

pub(super) static RESOURCE_ATTRIBUTES: Variable<ResourceAttributes> = Variable {
    row: Row {
        section: Section::Service,
        names: &["OTEL_RESOURCE_ATTRIBUTES"],
        meaning: "Attributes of the service. `service.name`, `service.version` and \
                  `deployment.environment.name` hold where no other variable says it.",
        expected: "`key=value` pairs with commas between them and the values percent-encoded",
        unset: Unset::Words("none"),
        example: "service.version=1.4.0,team=core",
        show: Show::Text,
    },
    parse: value::resource_attributes,
};

pub(super) static STRICT: Variable<bool> = Variable {
    row: Row {
        section: Section::Start,
        names: &["OBS_STRICT"],
        meaning: "With `0`, a variable that cannot be understood is a warning in the log and counts \
                  as unset. With `1`, the service does not start.",
        expected: "`0` or `1`",
        unset: Unset::Text("1"),
        example: "0",
        show: Show::Text,
    },
    parse: value::switch,
};

#[cfg(feature = "http")]
pub(super) use http::*;

#[cfg(feature = "http")]
mod http {
    use std::net::SocketAddr;
    use std::time::Duration;

    use ipnet::IpNet;

    use super::super::value::access;
    use super::super::value::log::{self, Stream};
    use super::super::value::traces::{
        self, Endpoint, ExportHeaders, Exporters, Propagators, Protocol, SamplerKind,
    };
    use super::super::value::{network, sentry};
    use super::{Row, Section, Show, Unset, Variable};
    use crate::client::PropagateHosts;
    use crate::health::HttpTarget;
    use crate::http::Token;
    use crate::log::LogFormat;

    pub(in super::super) static RUST_LOG: Variable<String> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["RUST_LOG"],
            meaning: "What is logged, by target, span and level. Values of fields are compared, they \
                      are no regular expressions. SQL statements are logged only where \
                      `sqlx::query` is named.",
            expected: "directives such as `info` or `warn,my_crate=debug`",
            unset: Unset::Words("`LOG_LEVEL`"),
            example: "warn,traceo=debug",
            show: Show::Text,
        },
        parse: log::filter,
    };

    pub(in super::super) static LOG_LEVEL: Variable<String> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["LOG_LEVEL"],
            meaning: "The least serious level that is logged, where `RUST_LOG` is unset. `rmcp`, \
                      `hyper`, `h2`, `sqlx` and `tower` log warnings and errors only.",
            expected: "`off`, `error`, `warn`, `info`, `debug`, `trace`, or directives as in RUST_LOG",
            unset: Unset::Text("info"),
            example: "debug",
            show: Show::Text,
        },
        parse: log::level,
    };

    pub(in super::super) static LOG_FORMAT: Variable<LogFormat> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["LOG_FORMAT"],
            meaning: "How a line looks: one JSON object, or words for people.",
            expected: "`json` or `pretty`",
            unset: Unset::Words("`pretty` on a terminal in dev, else `json`"),
            example: "json",
            show: Show::Text,
        },
        parse: log::format,
    };

    pub(in super::super) static LOG_OUTPUT: Variable<Stream> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["OBS_LOG_OUTPUT"],
            meaning: "Where lines go. An MCP server over standard input and output always logs to \
                      stderr.",
            expected: "`stdout` or `stderr`",
            unset: Unset::Text("stdout"),
            example: "stderr",
            show: Show::Text,
        },
        parse: log::stream,
    };

    pub(in super::super) static SUCCESS_SAMPLE: Variable<f64> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["OBS_LOG_SUCCESS_SAMPLE"],
            meaning: "The share of successful GET, HEAD and OPTIONS requests whose own lines, \
                      `request_started` and `request_completed`, are logged, chosen by correlation id, so that all services keep the same ones. Everything \
                      else is always logged.",
            expected: "a number from 0 to 1",
            unset: Unset::ByEnvironment {
                dev: "1",
                staging: "0.1",
                prod: "0.1",
            },
            example: "0.25",
            show: Show::Text,
        },
        parse: log::ratio,
    };

    pub(in super::super) static REDACT_KEYS: Variable<Vec<String>> = Variable {
        row: Row {
            section: Section::Logs,
            names: &["OBS_REDACT_KEYS"],
            meaning: "Names of fields whose values no sink may see, beside the built-in ones.",
            expected: "1 to 256 names with commas between them, each 1 to 64 of the characters \
                       `A-Z a-z 0-9 . _ -`",
            unset: Unset::Words("only the built-in ones"),
            example: "customer_no,plate",
            show: Show::Text,
        },
        parse: log::keys,
    };

    pub(in super::super) static SENTRY_DSN: Variable<String> = Variable {
        row: Row {
            section: Section::Sentry,
            names: &["SENTRY_DSN"],
            meaning: "The Sentry project that errors and transactions are sent to. Needs feature \
                      `sentry`.",
            expected: "a DSN such as https://key@sentry.example/1",
            unset: Unset::Words("nothing is sent"),
            example: "https://key@sentry.example/1",
            show: Show::Secret,
        },
        parse: sentry::dsn,
    };

    pub(in super::super) static SENTRY_RELEASE: Variable<String> = Variable {
        row: Row {
            section: Section::Sentry,
            names: &["SENTRY_RELEASE"],
            meaning: "The release that events belong to.",
            expected: "at most 200 characters without `/`, `\\` and control characters, neither `.` \
                       nor `..`",
            unset: Unset::Words("name and version of the service, `name@version`"),
            example: "traceo@1.4.0",
            show: Show::Text,
        },
        parse: sentry::release,
    };

    pub(in super::super) static SENTRY_SAMPLE_RATE: Variable<f64> = Variable {
        row: Row {
            section: Section::Sentry,
            names: &["SENTRY_SAMPLE_RATE"],
            meaning: "The share of error events that is sent. The first of each kind is always sent.",
            expected: "a number from 0 to 1",
            unset: SENTRY_RATES,
            example: "1",
            show: Show::Text,
        },
        parse: log::ratio,
    };

    pub(in super::super) static SENTRY_TRACES_SAMPLE_RATE: Variable<f64> = Variable {
        row: Row {
            section: Section::Sentry,
            names: &["SENTRY_TRACES_SAMPLE_RATE"],
            meaning: "The share of root transactions that is sent.",
            expected: "a number from 0 to 1",
            unset: SENTRY_RATES,
            example: "0.01",
            show: Show::Text,
        },
        parse: log::ratio,
    };

    const SENTRY_RATES: Unset = Unset::ByEnvironment {
        dev: "1",
        staging: "0.05",
        prod: "0.001",
    };

    pub(in super::super) static TRACES_EXPORTER: Variable<Exporters> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_TRACES_EXPORTER"],
            meaning: "Where spans go: to a collector, to standard error for people, or \
                      nowhere. Needs feature `otlp`.",
            expected: "`otlp`, `console`, both with a comma between them, or `none`",
            unset: Unset::Words("`otlp` where an endpoint is set"),
            example: "otlp,console",
            show: Show::Text,
        },
        parse: traces::exporters,
    };

    pub(in super::super) static TRACES_ENDPOINT: Variable<Endpoint> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
            meaning: "The collector that spans are sent to. Over HTTP the URL is used as it \
                      stands, without `/v1/traces` after it.",
            expected: ENDPOINT,
            unset: Unset::Words("`OTEL_EXPORTER_OTLP_ENDPOINT`"),
            example: "http://collector:4318/v1/traces",
            show: Show::Url,
        },
        parse: traces::endpoint,
    };

    pub(in super::super) static OTLP_ENDPOINT: Variable<Endpoint> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_EXPORTER_OTLP_ENDPOINT", "OTLP_ENDPOINT"],
            meaning: "The collector that spans are sent to. Over HTTP `/v1/traces` comes after \
                      it.",
            expected: ENDPOINT,
            unset: Unset::Words(
                "nothing is sent, unless `OTEL_TRACES_EXPORTER` asks for it: then to localhost",
            ),
            example: "localhost:4317",
            show: Show::Url,
        },
        parse: traces::endpoint,
    };

    pub(in super::super) static OTLP_PROTOCOL: Variable<Protocol> = Variable {
        row: Row {
            section: Section::Traces,
            names: &[
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                "OTEL_EXPORTER_OTLP_PROTOCOL",
            ],
            meaning: "How spans are sent.",
            expected: "`grpc` or `http/protobuf`",
            unset: Unset::Words(
                "by the port of the endpoint: `grpc` for 4317, `http/protobuf` for 4318; else `http/protobuf` for a URL, `grpc` for `host:port`",
            ),
            example: "grpc",
            show: Show::Text,
        },
        parse: traces::protocol,
    };

    pub(in super::super) static OTLP_HEADERS: Variable<ExportHeaders> = Variable {
        row: Row {
            section: Section::Traces,
            names: &[
                "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                "OTEL_EXPORTER_OTLP_HEADERS",
            ],
            meaning: "Header fields that go with each export, for the credentials that a \
                      collector asks for.",
            expected: "1 to 32 `name=value` pairs with commas between them and the values \
                       percent-encoded",
            unset: Unset::Words("none"),
            example: "authorization=Bearer%20token",
            show: Show::Secret,
        },
        parse: traces::headers,
    };

    pub(in super::super) static OTLP_TIMEOUT: Variable<Duration> = Variable {
        row: Row {
            section: Section::Traces,
            names: &[
                "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
                "OTEL_EXPORTER_OTLP_TIMEOUT",
            ],
            meaning: "How many milliseconds a collector may take to answer, whatever it does.",
            expected: MILLISECONDS,
            unset: Unset::Text("10000"),
            example: "5000",
            show: Show::Text,
        },
        parse: traces::milliseconds,
    };

    pub(in super::super) static OTLP_COMPRESSION: Variable<bool> = Variable {
        row: Row {
            section: Section::Traces,
            names: &[
                "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
                "OTEL_EXPORTER_OTLP_COMPRESSION",
            ],
            meaning: "Whether spans are compressed on their way.",
            expected: "`gzip` or `none`",
            unset: Unset::Text("none"),
            example: "gzip",
            show: Show::Text,
        },
        parse: traces::gzip,
    };

    pub(in super::super) static BSP_QUEUE: Variable<usize> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_BSP_MAX_QUEUE_SIZE"],
            meaning: "How many spans may wait to be sent. What comes on top of them is dropped \
                      and counted.",
            expected: "a number from 1 to 65536",
            unset: Unset::Text("2048"),
            example: "4096",
            show: Show::Text,
        },
        parse: traces::queue_size,
    };

    pub(in super::super) static BSP_BATCH: Variable<usize> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"],
            meaning: "How many spans are sent at once; no more than may wait.",
            expected: "a number from 1 to 8192",
            unset: Unset::Text("512"),
            example: "256",
            show: Show::Text,
        },
        parse: traces::batch_size,
    };

    pub(in super::super) static BSP_DELAY: Variable<Duration> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_BSP_SCHEDULE_DELAY"],
            meaning: "How many milliseconds a span waits for others to be sent with it.",
            expected: MILLISECONDS,
            unset: Unset::Text("5000"),
            example: "1000",
            show: Show::Text,
        },
        parse: traces::milliseconds,
    };

    pub(in super::super) static BSP_TIMEOUT: Variable<Duration> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_BSP_EXPORT_TIMEOUT"],
            meaning: "How many milliseconds spans are tried to be sent, again and again, \
                      before they are given up.",
            expected: MILLISECONDS,
            unset: Unset::Text("30000"),
            example: "20000",
            show: Show::Text,
        },
        parse: traces::milliseconds,
    };

    pub(in super::super) static TRACES_SAMPLER: Variable<SamplerKind> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_TRACES_SAMPLER"],
            meaning: "Which traces are recorded. `parentbased_…` follows the caller's decision \
                      where there is one.",
            expected: "`always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, \
                       `parentbased_always_off` or `parentbased_traceidratio`",
            unset: Unset::Text("parentbased_traceidratio"),
            example: "always_on",
            show: Show::Text,
        },
        parse: traces::sampler,
    };

    pub(in super::super) static TRACES_SAMPLER_ARG: Variable<f64> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_TRACES_SAMPLER_ARG"],
            meaning: "The share of traces that `traceidratio` and `parentbased_traceidratio` \
                      record, chosen by trace id, so that all services keep the same ones.",
            expected: "a number from 0 to 1",
            unset: Unset::ByEnvironment {
                dev: "1",
                staging: "0.05",
                prod: "0.01",
            },
            example: "0.1",
            show: Show::Text,
        },
        parse: log::ratio,
    };

    pub(in super::super) static TRACES_KEEP_ERRORS: Variable<bool> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OBS_TRACES_KEEP_ERRORS"],
            meaning: "Whether the spans of a failed request in this process are sent whatever \
                      the share.",
            expected: "`1` or `0`",
            unset: Unset::Text("1"),
            example: "0",
            show: Show::Text,
        },
        parse: traces::boolean,
    };

    pub(in super::super) static PROPAGATORS: Variable<Propagators> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_PROPAGATORS"],
            meaning: "Which headers carry a trace in and out: `traceparent` with `tracestate`, \
                      and the members of `baggage` that the service allows.",
            expected: "`tracecontext`, `baggage`, both with a comma between them, or `none`",
            unset: Unset::Text("tracecontext,baggage"),
            example: "tracecontext",
            show: Show::Text,
        },
        parse: traces::propagators,
    };

    pub(in super::super) static SDK_DISABLED: Variable<bool> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["OTEL_SDK_DISABLED"],
            meaning: "With `true`, no spans are exported. Trace ids are still made and handed \
                      on.",
            expected: "`true` or `false`",
            unset: Unset::Text("false"),
            example: "true",
            show: Show::Text,
        },
        parse: traces::boolean,
    };

    pub(in super::super) static CONSOLE_TRACES: Variable<bool> = Variable {
        row: Row {
            section: Section::Traces,
            names: &["ENABLE_CONSOLE_TRACES"],
            meaning: "With `1`, spans are written to standard error, beside what \
                      `OTEL_TRACES_EXPORTER` says.",
            expected: "`0` or `1`",
            unset: Unset::Text("0"),
            example: "1",
            show: Show::Text,
        },
        parse: traces::boolean,
    };

    const ENDPOINT: &str = "a URL such as http://collector:4318, without user and password, or a \
                            host and a port such as localhost:4317";
    const MILLISECONDS: &str = "a whole number of milliseconds from 1 to 600000";

    pub(in super::super) static METRICS_TOKEN: Variable<Vec<Token>> = Variable {
        row: Row {
            section: Section::Http,
            names: &["OBS_METRICS_TOKEN"],
            meaning: "The bearer token that opens `/metrics`; two of them while it is changed. \
                      Without a token `/metrics` answers 404 outside of dev, unless \
                      `OBS_ADMIN_ADDR` is set.",
            expected: "one token, or two with a comma between them, each of 16 to 4,096 visible \
                       ASCII characters",
            unset: Unset::Words("no token"),
            example: "0123456789abcdef0123456789abcdef",
            show: Show::Secret,
        },
        parse: access::tokens,
    };

    pub(in super::super) static METRICS_TOKEN_FILE: Variable<Vec<Token>> = Variable {
        row: Row {
            section: Section::Http,
            names: &["OBS_METRICS_TOKEN_FILE"],
            meaning: "A file that holds what `OBS_METRICS_TOKEN` may hold, or one token in each \
                      line. Both variables together hold at most two.",
            expected: "the path of a readable file with one or two tokens",
            unset: Unset::Words("no file"),
            example: "/run/secrets/metrics-token",
            show: Show::Text,
        },
        parse: access::tokens_of_file,
    };

    pub(in super::super) static ADMIN_ADDR: Variable<SocketAddr> = Variable {
        row: Row {
            section: Section::Http,
            names: &["OBS_ADMIN_ADDR"],
            meaning: "A listener of its own for `/metrics` and the health endpoints.",
            expected: "an address and a port, such as 127.0.0.1:9464 or [::1]:0",
            unset: Unset::Words(
                "no listener; where the service asks for one, any free port of 127.0.0.1",
            ),
            example: "127.0.0.1:9464",
            show: Show::Text,
        },
        parse: network::socket_address,
    };

    pub(in super::super) static TRUSTED_PROXIES: Variable<Vec<IpNet>> = Variable {
        row: Row {
            section: Section::Http,
            names: &["OBS_TRUSTED_PROXIES"],
            meaning: "Peers whose trace context and forwarded addresses are believed.",
            expected: "`none`, or at most 256 addresses and networks such as 10.0.0.0/8, with commas \
                       between them",
            unset: Unset::Text(
                "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,::1/128,fc00::/7,fe80::/10",
            ),
            example: "10.20.0.0/16,192.0.2.7",
            show: Show::Text,
        },
        parse: network::networks,
    };

    pub(in super::super) static PROPAGATE_HOSTS: Variable<PropagateHosts> = Variable {
        row: Row {
            section: Section::Http,
            names: &["OBS_PROPAGATE_HOSTS"],
            meaning: "Hosts that outgoing requests tell trace context, baggage and correlation id. A \
                      peer that is declared in the code may say otherwise. `<local>` are names \
                      without a dot.",
            expected: "`none`, or at most 256 of: a name, `*.` and the end of names, an address, a \
                       network such as 10.0.0.0/8, `<local>`; with commas between them",
            unset: Unset::Text(
                "<local>,localhost,127.0.0.0/8,::1/128,*.internal,*.svc,*.cluster.local",
            ),
            example: "<local>,*.shop.example,10.0.0.0/8",
            // Somebody may write a whole URL.
            show: Show::Url,
        },
        parse: network::propagate_hosts,
    };

    pub(in super::super) static CHECK_DB_HOST: Variable<String> = Variable {
        row: Row {
            section: Section::Checks,
            names: &["OBS_CHECK_DB_HOST"],
            meaning: "The database that readiness depends on: whether it accepts connections.",
            expected: HOST,
            unset: SKIPPED,
            example: "db.internal",
            show: Show::Text,
        },
        parse: network::host,
    };

    pub(in super::super) static CHECK_DB_PORT: Variable<u16> = Variable {
        row: Row {
            section: Section::Checks,
            names: &["OBS_CHECK_DB_PORT"],
            meaning: "Its port.",
            expected: PORT,
            unset: Unset::Text("5432"),
            example: "5432",
            show: Show::Text,
        },
        parse: network::port,
    };

    pub(in super::super) static CHECK_CACHE_HOST: Variable<String> = Variable {
        row: Row {
            section: Section::Checks,
            names: &["OBS_CHECK_CACHE_HOST"],
            meaning: "The cache that readiness depends on: whether it accepts connections.",
            expected: HOST,
            unset: SKIPPED,
            example: "cache.internal",
            show: Show::Text,
        },
        parse: network::host,
    };

    pub(in super::super) static CHECK_CACHE_PORT: Variable<u16> = Variable {
        row: Row {
            section: Section::Checks,
            names: &["OBS_CHECK_CACHE_PORT"],
            meaning: "Its port.",
            expected: PORT,
            unset: Unset::Text("6379"),
            example: "6379",
            show: Show::Text,
        },
        parse: network::port,
    };

    pub(in super::super) static CHECK_URL: Variable<HttpTarget> = Variable {
        row: Row {
            section: Section::Checks,
            names: &["OBS_CHECK_URL"],
            meaning: "The address that readiness depends on: whether it answers with success.",
            expected: "a URL such as http://billing.internal/health, without user and password",
            unset: SKIPPED,
            example: "http://billing.internal/health",
            show: Show::Url,
        },
        parse: network::url,
    };

    const HOST: &str = "the name of a machine, or an address";
    const PORT: &str = "a port from 1 to 65535";
    const SKIPPED: Unset = Unset::Words("the check is skipped");

    pub(in super::super) static SHUTDOWN_TIMEOUT: Variable<Duration> = Variable {
        row: Row {
            section: Section::Start,
            names: &["OBS_SHUTDOWN_TIMEOUT"],
            meaning: "How long stopping may take: requests end, then everything is flushed.",
            expected: "a time of at most an hour, such as `25`, `25s`, `500ms`, `1m` or `1h`",
            unset: Unset::Text("25s"),
            example: "10s",
            show: Show::Text,
        },
        parse: network::duration,
    };
}
