//! The environment variables: what each one does, and every mistake in one error.

use obs::{ConfigError, Environment, Obs, Setup};

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
  OBS_STRICT is "perhaps"; expected 0 or 1
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
