//! The environment variables: what each one does, and every mistake in one error.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;

use obs::{ConfigError, ConfigurationSource, Environment, Obs, Setup};

fn read(variables: &[(&str, &str)]) -> Result<Setup, ConfigError> {
    Obs::from_vars(obs::service!(), variables.iter().copied())
}

fn started(variables: &[(&str, &str)]) -> Obs {
    read(variables).unwrap().detached().unwrap()
}

#[test]
fn service_takes_name_and_version_from_the_calling_crate() {
    let obs = started(&[]);
    assert_eq!(obs.service().name(), "obs-tests");
    assert_eq!(obs.service().version(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_first_variable_that_is_set_and_not_empty_counts() {
    for (variables, environment, service) in [
        (
            vec![
                ("OBS_ENV", "stage"),
                ("ENVIRONMENT", "prod"),
                ("OTEL_SERVICE_NAME", "a"),
                ("APP_NAME", "b"),
            ],
            "staging",
            "a",
        ),
        (
            vec![
                ("OBS_ENV", ""),
                ("ENVIRONMENT", "Production"),
                ("OTEL_SERVICE_NAME", ""),
                ("APP_NAME", "b"),
            ],
            "prod",
            "b",
        ),
        (
            vec![("SENTRY_ENVIRONMENT", "canary-7")],
            "canary-7",
            "obs-tests",
        ),
        (vec![("ENVIRONMENT", " development ")], "dev", "obs-tests"),
    ] {
        let obs = started(&variables);
        assert_eq!(obs.environment().name(), environment, "{variables:?}");
        assert_eq!(obs.service().name(), service, "{variables:?}");
    }
}

#[test]
fn unset_means_dev_in_a_debug_build_and_prod_in_a_release_build() {
    let expected = if cfg!(debug_assertions) {
        Environment::DEV
    } else {
        Environment::PROD
    };
    assert_eq!(*started(&[]).environment(), expected);
}

#[test]
fn one_error_lists_every_variable_that_cannot_be_understood() {
    let error = read(&[
        ("OBS_ENV", "pro duction"),
        ("OTEL_SERVICE_NAME", "a\u{7}b"),
        ("OBS_ADMIN_ADDR", "localhost"),
        ("OBS_STRICT", "perhaps"),
    ])
    .unwrap_err();
    let names: Vec<_> = error
        .variables()
        .iter()
        .map(obs::InvalidVariable::name)
        .collect();
    assert_eq!(
        names,
        [
            "OBS_ENV",
            "OTEL_SERVICE_NAME",
            "OBS_ADMIN_ADDR",
            "OBS_STRICT"
        ]
    );
    assert_eq!(
        error.to_string(),
        r#"obs cannot read 4 environment variables
  OBS_ENV is "pro duction"; expected `dev`, `staging`, `prod`, or 1 to 64 of the characters `A-Z a-z 0-9 . _ -`
  OTEL_SERVICE_NAME is "a\u{7}b"; expected a name of at most 255 bytes without control characters
  OBS_ADMIN_ADDR is "localhost"; expected an address and a port, such as 127.0.0.1:9464 or [::1]:0
  OBS_STRICT is "perhaps"; expected `0` or `1`
  fix: correct or unset them, or set OBS_STRICT=0 to start with warnings"#
    );
}

#[test]
fn without_strictness_what_cannot_be_understood_counts_as_unset() {
    let obs = started(&[
        ("OBS_STRICT", "0"),
        ("OBS_ENV", "no/good"),
        ("OTEL_SERVICE_NAME", "fine"),
        ("OBS_ADMIN_ADDR", "nowhere"),
    ]);
    assert_eq!(obs.service().name(), "fine");
    assert_eq!(*obs.environment(), *started(&[]).environment());
}

#[test]
fn the_build_is_on_the_scrape() {
    let obs = started(&[("OBS_ENV", "prod"), ("OTEL_SERVICE_NAME", "a \"b\" \\ c")]);
    let scrape = obs_tests::scrape::Scrape::openmetrics(&obs.scrape(obs::Format::OpenMetrics));
    let labels = [
        ("service", "a \"b\" \\ c"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("environment", "prod"),
    ];
    assert_eq!(scrape.value("obs_build_info", &labels), Some(1.0));
}

/// A variable, values that it takes, and values that it refuses.
struct Row {
    name: &'static str,
    good: &'static [&'static str],
    bad: &'static [&'static str],
}

/// Every name of every variable, but `OBS_METRICS_TOKEN_FILE`, whose values are files.
const ROWS: &[Row] = &[
    Row {
        name: "OBS_ENV",
        good: &["dev", "Development", "stage", "PROD", "canary-7", " dev "],
        bad: &["pro duction", "a/b", "\u{e4}", "a\0b", "a\nb"],
    },
    Row {
        name: "ENVIRONMENT",
        good: &["staging"],
        bad: &["a b"],
    },
    Row {
        name: "SENTRY_ENVIRONMENT",
        good: &["production"],
        bad: &["a b"],
    },
    Row {
        name: "OTEL_SERVICE_NAME",
        good: &["shop", "a \"b\" \\ c", "\u{e4}"],
        bad: &["a\u{7}b", "a\0b", "a\nb"],
    },
    Row {
        name: "APP_NAME",
        good: &["shop"],
        bad: &["a\u{1b}[31m"],
    },
    Row {
        name: "OTEL_RESOURCE_ATTRIBUTES",
        good: &["a=b", "service.name=shop,team=core", "a=b%2Cc,", "a="],
        bad: &[
            "a",
            "=b",
            "a=%",
            "a=%zz",
            "a=%ff",
            "a=%00",
            "deployment.environment.name=a b",
        ],
    },
    Row {
        name: "RUST_LOG",
        good: &[
            "info",
            "warn,my_crate=debug",
            "off",
            "my_crate[span]=trace",
            "my_crate",
        ],
        bad: &["my_crate=loud", "a=b=c", "[", "a\0b"],
    },
    Row {
        name: "LOG_LEVEL",
        good: &["info", "WARNING", "off", "Trace", "info,my_crate=debug"],
        bad: &["loud", "infoo", "5", "my_crate=loud"],
    },
    Row {
        name: "LOG_FORMAT",
        good: &["json", "pretty", "JSON"],
        bad: &["xml", "text"],
    },
    Row {
        name: "OBS_LOG_OUTPUT",
        good: &["stdout", "stderr"],
        bad: &["/dev/null", "file"],
    },
    Row {
        name: "OBS_LOG_SUCCESS_SAMPLE",
        good: &["0", "1", "0.25", "1e-3"],
        bad: &["1.1", "-0.1", "NaN", "inf", "10%", "0,5"],
    },
    Row {
        name: "OBS_REDACT_KEYS",
        good: &["plate", "plate, customer_no", "a.b-c"],
        bad: &[",", "a b", "a=b", "\u{e4}"],
    },
    Row {
        name: "SENTRY_DSN",
        good: &["https://key@sentry.example/1", "http://key@127.0.0.1:9/42"],
        bad: &[
            "hunter2",
            "ftp://hunter2@host/1",
            "https://hunter2@/1",
            "https://host/hunter2",
            "https://hunter2@host",
        ],
    },
    Row {
        name: "SENTRY_RELEASE",
        good: &["shop@1.4.0", "0123abc"],
        bad: &["a/b", "a\\b", "..", "a\tb"],
    },
    Row {
        name: "SENTRY_SAMPLE_RATE",
        good: &["0", "0.05", "1.0"],
        bad: &["2", "-1", "NaN", "all"],
    },
    Row {
        name: "SENTRY_TRACES_SAMPLE_RATE",
        good: &["0", "0.001", "1"],
        bad: &["1.01", "-1", "NaN", "none"],
    },
    Row {
        name: "OTEL_TRACES_EXPORTER",
        good: &["otlp", "console", "otlp, console", "none"],
        bad: &["zipkin", "otlp,none", ","],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        good: &[
            "localhost:4317",
            "http://collector:4318",
            "https://collector/base",
            "[::1]:4317",
        ],
        bad: &[
            "localhost",
            "ftp://collector",
            "http://user:pw@collector:4317",
            "http://collector:4318/?key=1",
            "http://",
            "a b:4317",
            "localhost:99999",
            "localhost:4317/v1",
        ],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        good: &[
            "localhost:4317",
            "http://collector:4318",
            "https://collector/base",
            "[::1]:4317",
        ],
        bad: &[
            "localhost",
            "ftp://collector",
            "http://user:pw@collector:4317",
            "http://collector:4318/?key=1",
            "http://",
            "a b:4317",
            "localhost:99999",
            "localhost:4317/v1",
        ],
    },
    Row {
        name: "OTLP_ENDPOINT",
        good: &[
            "localhost:4317",
            "http://collector:4318",
            "https://collector/base",
            "[::1]:4317",
        ],
        bad: &[
            "localhost",
            "ftp://collector",
            "http://user:pw@collector:4317",
            "http://collector:4318/?key=1",
            "http://",
            "a b:4317",
            "localhost:99999",
            "localhost:4317/v1",
        ],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        good: &["grpc", "http/protobuf"],
        bad: &["http/json", "GRPC", "http"],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_PROTOCOL",
        good: &["grpc", "http/protobuf"],
        bad: &["http/json", "GRPC", "http"],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        good: &["a=b", "authorization=Bearer%20x,x-tenant=1,", "a="],
        bad: &[
            "a",
            "=b",
            "a b=c",
            "a=%zz",
            "a=%0a",
            "content-type=x",
            "grpc-timeout=1",
            ",",
        ],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_HEADERS",
        good: &["a=b", "authorization=Bearer%20x,x-tenant=1,", "a="],
        bad: &[
            "a",
            "=b",
            "a b=c",
            "a=%zz",
            "a=%0a",
            "content-type=x",
            "grpc-timeout=1",
            ",",
        ],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        good: &["1", "600000"],
        bad: &["0", "600001", "10s", "-1", "1.5"],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TIMEOUT",
        good: &["1", "600000"],
        bad: &["0", "600001", "10s", "-1", "1.5"],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
        good: &["gzip", "NONE"],
        bad: &["zstd", "1"],
    },
    Row {
        name: "OTEL_EXPORTER_OTLP_COMPRESSION",
        good: &["gzip", "NONE"],
        bad: &["zstd", "1"],
    },
    Row {
        name: "OTEL_BSP_MAX_QUEUE_SIZE",
        good: &["1", "65536"],
        bad: &["0", "65537", "many"],
    },
    Row {
        name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        good: &["1", "8192"],
        bad: &["0", "8193", "many"],
    },
    Row {
        name: "OTEL_BSP_SCHEDULE_DELAY",
        good: &["1", "600000"],
        bad: &["0", "600001", "10s", "-1", "1.5"],
    },
    Row {
        name: "OTEL_BSP_EXPORT_TIMEOUT",
        good: &["1", "600000"],
        bad: &["0", "600001", "10s", "-1", "1.5"],
    },
    Row {
        name: "OTEL_TRACES_SAMPLER",
        good: &[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ],
        bad: &["jaeger_remote", "sometimes"],
    },
    Row {
        name: "OTEL_TRACES_SAMPLER_ARG",
        good: &["0", "1", "0.01"],
        bad: &["-0.1", "1.1", "NaN", "5%"],
    },
    Row {
        name: "OBS_TRACES_KEEP_ERRORS",
        good: &["true", "FALSE", "1", "0"],
        bad: &["yes", "2"],
    },
    Row {
        name: "OTEL_PROPAGATORS",
        good: &["tracecontext", "baggage", "tracecontext, baggage", "none"],
        bad: &["b3", "tracecontext,none", "w3c", ","],
    },
    Row {
        name: "OTEL_SDK_DISABLED",
        good: &["true", "FALSE", "1", "0"],
        bad: &["yes", "2"],
    },
    Row {
        name: "ENABLE_CONSOLE_TRACES",
        good: &["true", "FALSE", "1", "0"],
        bad: &["yes", "2"],
    },
    Row {
        name: "OBS_METRICS_TOKEN",
        good: &["0123456789abcdef", "0123456789abcdef,fedcba9876543210"],
        bad: &[
            "hunter2",
            "  ",
            "hunter2 hunter2 hunter2",
            "hunter2hunter2hunter2,",
            "hunter2hunter2hunter2,hunter2hunter2hunter3,hunter2hunter2hunter4",
        ],
    },
    Row {
        name: "OBS_ADMIN_ADDR",
        good: &["127.0.0.1:9464", "[::1]:0", "0.0.0.0:9464"],
        bad: &[
            "localhost",
            "localhost:9464",
            "127.0.0.1",
            "127.0.0.1:99999",
            ":9464",
        ],
    },
    Row {
        name: "OBS_TRUSTED_PROXIES",
        good: &[
            "none",
            "10.0.0.0/8",
            "192.0.2.7, ::1",
            "10.1.2.3/8,fc00::/7",
        ],
        bad: &["10.0.0.0/33", "proxy", "10.0.0", "10.0.0.0/8;::1", ","],
    },
    Row {
        name: "OBS_PROPAGATE_HOSTS",
        good: &[
            "none",
            "<local>",
            "engine,*.shop.example, 10.0.0.0/8",
            "[::1] fd00::/8 localhost.",
        ],
        bad: &[
            "*",
            "*engine",
            "engine:8080",
            "http://u:hunter2@engine",
            "u:hunter2@engine",
            "<local>,engine?key=hunter2",
            "10.0.0.0/33",
            "2130706433",
            "a\u{1b}b",
            ",",
        ],
    },
    Row {
        name: "OBS_CHECK_DB_HOST",
        good: &["db", "db.internal", "127.0.0.1", "::1", "[::1]"],
        bad: &["db:5432", "a b", "http://db", "u@db"],
    },
    Row {
        name: "OBS_CHECK_DB_PORT",
        good: &["1", "65535"],
        bad: &["0", "65536", "-1", "pg"],
    },
    Row {
        name: "OBS_CHECK_CACHE_HOST",
        good: &["cache"],
        bad: &["cache/0"],
    },
    Row {
        name: "OBS_CHECK_CACHE_PORT",
        good: &["6380"],
        bad: &["0"],
    },
    Row {
        name: "OBS_CHECK_URL",
        good: &["http://billing/health", "http://127.0.0.1:8080/?a=b"],
        bad: &[
            "billing",
            "https://billing/",
            "ftp://billing/",
            "http://u:hunter2@billing/",
            "http://",
        ],
    },
    Row {
        name: "OBS_SHUTDOWN_TIMEOUT",
        good: &["25", "25s", "0.5", "500ms", "1m", "1h", "0"],
        bad: &["-1", "soon", "2h", "25 years", "NaN", "1e999", "s"],
    },
    Row {
        name: "OBS_STRICT",
        good: &["0", "1", "true", "false"],
        bad: &["yes", "2"],
    },
];

#[test]
fn every_variable_takes_what_it_should_and_refuses_the_rest() {
    for row in ROWS {
        for value in row.good {
            let read = read(&[(row.name, value)]);
            assert!(
                read.is_ok(),
                "{}={value:?}: {}",
                row.name,
                read.unwrap_err()
            );
        }
        for value in row.bad {
            let Err(error) = read(&[(row.name, value)]) else {
                panic!("{}={value:?} is accepted", row.name);
            };
            let names: Vec<_> = error
                .variables()
                .iter()
                .map(obs::InvalidVariable::name)
                .collect();
            assert_eq!(names, [row.name]);
            let text = error.to_string();
            assert!(!text.contains("hunter2"), "{text}");
            // What a terminal would obey is escaped.
            let lines = text.lines().count();
            assert!(
                lines == 3 && !text.contains(['\0', '\u{1b}', '\u{7}']),
                "{text:?}"
            );
        }
    }
}

#[test]
fn every_variable_of_the_documentation_is_tested_here() {
    let tested: BTreeSet<_> = ROWS.iter().map(|row| row.name).collect();
    let reference = read(&[]).unwrap().configuration().reference();
    let documented: BTreeSet<_> = reference
        .lines()
        .filter(|line| line.starts_with("### "))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| *name != "OBS_METRICS_TOKEN_FILE")
        .collect();
    assert_eq!(tested, documented);
}

#[test]
fn defaults_follow_the_environment() {
    for (environment, expected) in [
        ("dev", ["1", "1", "1"]),
        ("staging", ["0.1", "0.05", "0.05"]),
        ("prod", ["0.1", "0.001", "0.001"]),
        ("canary-7", ["0.1", "0.001", "0.001"]),
    ] {
        let setup = read(&[("OBS_ENV", environment)]).unwrap();
        let names = [
            "OBS_LOG_SUCCESS_SAMPLE",
            "SENTRY_SAMPLE_RATE",
            "SENTRY_TRACES_SAMPLE_RATE",
        ];
        assert_eq!(names.map(|name| effective(&setup, name).0), expected);
        // These are the same everywhere.
        for (name, value) in [
            (
                "RUST_LOG",
                "info,rmcp=warn,hyper=warn,h2=warn,sqlx=warn,tower=warn",
            ),
            ("OBS_LOG_OUTPUT", "stdout"),
            (
                "SENTRY_RELEASE",
                concat!("obs-tests@", env!("CARGO_PKG_VERSION")),
            ),
            ("OBS_CHECK_DB_PORT", "5432"),
            ("OBS_CHECK_CACHE_PORT", "6379"),
            ("OBS_SHUTDOWN_TIMEOUT", "25s"),
            ("OBS_STRICT", "1"),
        ] {
            let default = (value.to_owned(), ConfigurationSource::Default);
            assert_eq!(effective(&setup, name), default, "{name}");
        }
    }
}

fn effective(setup: &Setup, name: &str) -> (String, ConfigurationSource) {
    let entries = setup.configuration().entries();
    let entry = entries
        .iter()
        .find(|entry| entry.variable() == name)
        .unwrap();
    (entry.value().to_owned(), entry.source())
}

#[test]
fn resource_attributes_hold_where_nothing_else_says_it() {
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=shop%20two,service.version=9.9.9,deployment.environment.name=staging,team=a%2Cb",
    );
    let obs = started(&[attributes]);
    assert_eq!(obs.service().name(), "shop two");
    assert_eq!(obs.service().version(), "9.9.9");
    assert_eq!(obs.environment().name(), "staging");
    assert_eq!(
        obs.resource_attributes(),
        [("team".to_owned(), "a,b".to_owned())]
    );

    let obs = started(&[attributes, ("APP_NAME", "named"), ("OBS_ENV", "prod")]);
    assert_eq!(obs.service().name(), "named");
    assert_eq!(obs.environment().name(), "prod");
}

#[test]
fn rust_log_comes_before_log_level_which_keeps_noisy_crates_quiet() {
    let setup = read(&[("RUST_LOG", "warn,a=trace"), ("LOG_LEVEL", "debug")]).unwrap();
    let from = ConfigurationSource::Variable("RUST_LOG");
    assert_eq!(
        effective(&setup, "RUST_LOG"),
        ("warn,a=trace".to_owned(), from)
    );
    let setup = read(&[("RUST_LOG", ""), ("LOG_LEVEL", "warning")]).unwrap();
    assert_eq!(effective(&setup, "RUST_LOG").0, "warn");
    let setup = read(&[("LOG_LEVEL", "debug")]).unwrap();
    let debug = "debug,rmcp=warn,hyper=warn,h2=warn,sqlx=warn,tower=warn";
    assert_eq!(effective(&setup, "RUST_LOG").0, debug);
}

#[test]
fn what_the_code_chooses_counts_more_and_is_shown() {
    let setup = read(&[
        ("LOG_FORMAT", "json"),
        ("OBS_LOG_OUTPUT", "stdout"),
        ("OBS_SHUTDOWN_TIMEOUT", "1m"),
    ])
    .unwrap()
    .log_format(obs::LogFormat::Pretty)
    .mcp_stdio()
    .success_sample(0.5)
    .shutdown_timeout(std::time::Duration::from_secs(3));
    for (name, value) in [
        ("LOG_FORMAT", "pretty"),
        ("OBS_LOG_OUTPUT", "stderr"),
        ("OBS_LOG_SUCCESS_SAMPLE", "0.5"),
        ("OBS_SHUTDOWN_TIMEOUT", "3s"),
    ] {
        let chosen = (value.to_owned(), ConfigurationSource::Code);
        assert_eq!(effective(&setup, name), chosen);
    }
    let obs = setup.detached().unwrap();
    assert_eq!(obs.configuration().entries()[5].value(), "pretty");
}

#[test]
fn a_file_of_tokens_is_read_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let path = path.to_str().unwrap();
    let with = |content: &[u8]| {
        std::fs::write(path, content).unwrap();
        read(&[("OBS_METRICS_TOKEN_FILE", path)])
    };
    for content in [
        "0123456789abcdef",
        "0123456789abcdef\n",
        "0123456789abcdef\r\nfedcba9876543210\r\n",
    ] {
        assert!(with(content.as_bytes()).is_ok(), "{content:?}");
    }
    for content in [
        &b""[..],
        b"\n",
        b"hunter2",
        b"hunter2hunter2\xffhunter2",
        &b"hunter2hunter2hunter2\n".repeat(3),
        &b"x".repeat(1 << 20),
    ] {
        let error = with(content).unwrap_err().to_string();
        assert!(error.contains("OBS_METRICS_TOKEN_FILE is"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    for (path, reason) in [
        (folder.path().to_str().unwrap(), "no regular file"),
        ("/nowhere/at/all", "cannot be read"),
        ("/dev/zero", "no regular file"),
        ("a\0b", "cannot be read"),
    ] {
        let error = read(&[("OBS_METRICS_TOKEN_FILE", path)]).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
    // Three tokens of two variables are one too many.
    assert!(with(b"0123456789abcdef").is_ok());
    let three = [
        ("OBS_METRICS_TOKEN", "1123456789abcdef,2123456789abcdef"),
        ("OBS_METRICS_TOKEN_FILE", path),
    ];
    let error = read(&three).unwrap().detached().unwrap_err();
    assert!(error.to_string().contains("more than two"), "{error}");
}

#[test]
fn f7_garbage_in_every_variable_is_an_error_and_never_a_panic() {
    let mut garbage: Vec<String> = vec![
        "x".repeat(1 << 20),
        "a=b,".repeat(1 << 14),
        "[{\"\\=,;:/@%".to_owned(),
        "\0".to_owned(),
        "{{{{[[[[((((".to_owned(),
        "a[b{c=\"(x+x+)+y\"}]=trace".to_owned(),
        "\u{202e}\u{feff}".to_owned(),
        "1e400".to_owned(),
        "-".to_owned(),
        "%%%".to_owned(),
    ];
    garbage.extend((0_u8..128).map(|byte| char::from(byte).to_string().repeat(3)));
    let reference = read(&[]).unwrap();
    for entry in reference.configuration().entries() {
        for value in &garbage {
            if let Err(error) = read(&[(entry.variable(), value)]) {
                let text = error.to_string();
                assert!(text.contains(entry.variable()));
                assert!(text.len() < 2000, "{} bytes", text.len());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn f7_bytes_that_are_not_utf_8_are_an_error_that_names_the_variable() {
    use std::os::unix::ffi::OsStringExt;

    for name in [
        "RUST_LOG",
        "OBS_ENV",
        "OTEL_SERVICE_NAME",
        "OBS_METRICS_TOKEN",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_obs_test_service"))
            .arg("config")
            .env_clear()
            .env(name, OsString::from_vec(b"hunter\xff2".to_vec()))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(78), "{name}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.contains(name) && error.contains("it is not UTF-8"),
            "{error}"
        );
    }
}

#[test]
fn no_two_variables_are_wrong_without_both_being_named() {
    let all: Vec<_> = ROWS
        .iter()
        // Only the first of a variable's names counts.
        .filter(|row| {
            !matches!(
                row.name,
                "ENVIRONMENT"
                    | "SENTRY_ENVIRONMENT"
                    | "APP_NAME"
                    | "OTLP_ENDPOINT"
                    | "OTEL_EXPORTER_OTLP_PROTOCOL"
                    | "OTEL_EXPORTER_OTLP_HEADERS"
                    | "OTEL_EXPORTER_OTLP_TIMEOUT"
                    | "OTEL_EXPORTER_OTLP_COMPRESSION"
            )
        })
        .map(|row| (row.name, row.bad[0]))
        .collect();
    let error = read(&all).unwrap_err();
    let named: BTreeSet<_> = error
        .variables()
        .iter()
        .map(obs::InvalidVariable::name)
        .collect();
    assert_eq!(named, all.iter().map(|(name, _)| *name).collect());
}
