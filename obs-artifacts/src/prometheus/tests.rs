//! Rules, alerts and problems of small systems.

use std::collections::BTreeSet;

use super::alert::Severity;
use super::alertmanager::SAME_THING;
use super::alerts;
use crate::catalogue::{Catalogue, Kind, Label, Metric, Objective, Origin};
use crate::environment::{Environment, Threshold};
use crate::system::{Service, System};

fn metric(name: &str, kind: Kind, origin: Origin) -> Metric {
    Metric {
        name: name.to_owned(),
        kind,
        origin,
        unit: None,
        help: String::new(),
        labels: Vec::new(),
        buckets: Vec::new(),
        objectives: Vec::new(),
        combinations: 1,
        series: 1,
        budget: None,
        declared_at: Vec::new(),
    }
}

fn label(name: &str, values: &[&str]) -> Label {
    Label {
        name: name.to_owned(),
        values: values.iter().map(|&it| it.to_owned()).collect(),
    }
}

fn objective(target: f64) -> Objective {
    Objective {
        labels: Vec::new(),
        at: 1.0,
        target,
        declared_at: vec!["src/metrics.rs:7".to_owned()],
    }
}

/// A service with a family of each kind that there are alerts about.
fn catalogue(name: &str) -> Catalogue {
    let of_obs = |name: &str, kind| metric(name, kind, Origin::Obs);
    let mut metrics = vec![
        of_obs("shop_http_requests_total", Kind::Counter),
        of_obs("shop_http_requests_in_flight", Kind::Gauge),
        of_obs("shop_http_exceptions_total", Kind::Counter),
        of_obs("shop_db_client_connections", Kind::Gauge),
        of_obs("shop_db_client_connections_max", Kind::Gauge),
        of_obs("mcp_tool_calls_total", Kind::Counter),
        of_obs("operation_calls_total", Kind::Counter),
        of_obs("obs_check_up", Kind::Gauge),
        of_obs("obs_scrape_rejected_total", Kind::Counter),
        of_obs("obs_http_routes_capped_total", Kind::Counter),
        of_obs("obs_facade_capped_total", Kind::Counter),
        metric("shop_queue_depth", Kind::Gauge, Origin::Declared),
        metric("shop_queue_enqueued_total", Kind::Counter, Origin::Declared),
        metric("shop_queue_drained_total", Kind::Counter, Origin::Declared),
        metric("shop_mail_backlog", Kind::Gauge, Origin::Declared),
    ];
    for lost in ["log_lines_dropped", "spans_dropped", "sentry_events"] {
        metrics.push(of_obs(&format!("obs_{lost}_total"), Kind::Counter));
    }
    metrics.push(of_obs("obs_dropped_total", Kind::Counter));
    metrics.push(of_obs("obs_facade_dropped_total", Kind::Counter));
    let mut latency = of_obs("shop_http_request_duration_seconds", Kind::Histogram);
    latency.buckets = vec![0.1, 0.5, 0.75, 1.0, 1.5, 2.5];
    metrics.push(latency);
    let mut orders = metric("shop_order_seconds", Kind::Histogram, Origin::Declared);
    orders.unit = Some("seconds".to_owned());
    orders.buckets = vec![0.5, 1.0, 2.0];
    orders.labels = vec![label("result", &["ok", "failed", "cancelled"])];
    orders.objectives = vec![objective(99.0)];
    metrics.push(orders);
    metrics.sort_by(|a, b| a.name.cmp(&b.name));
    Catalogue {
        service: name.to_owned(),
        prefix: Some("shop".to_owned()),
        blocks: Vec::new(),
        metrics,
    }
}

fn system() -> System {
    System::new("shop").service(Service::new(catalogue("shop")))
}

fn of_metric(name: &str, change: impl FnOnce(&mut Metric)) -> System {
    let mut catalogue = catalogue("shop");
    let found = catalogue.metrics.iter_mut().find(|it| it.name == name);
    change(found.expect("a family of that name"));
    System::new("shop").service(Service::new(catalogue))
}

fn problems(system: &System) -> Vec<String> {
    let problems = system.render().expect_err("it cannot be rendered");
    problems.iter().map(ToString::to_string).collect()
}

fn in_environment(change: impl FnOnce(&mut Environment)) -> System {
    let mut environment = Environment::prod();
    change(&mut environment);
    system().environments([environment])
}

#[test]
fn every_alert_has_a_case_in_which_each_of_its_tiers_fires_and_one_in_which_it_does_not() {
    let system = system();
    for environment in &system.environments {
        let alerts = alerts::of(&system, environment);
        assert!(!alerts.is_empty());
        for alert in alerts {
            let moments = || alert.cases.iter().flat_map(|case| &case.moments);
            for at in 0..alert.tiers.len() {
                let what = format!("{} {at} in {}", alert.about.name, environment.name);
                let fires = |tier: usize| {
                    moments().any(|moment| moment.fires.iter().any(|it| it.tier == tier))
                };
                assert!(fires(at), "{what} never fires");
                // In a case with series: that nothing fires without any is tried for all at once.
                let is_silent = alert.cases.iter().any(|case| {
                    let of =
                        |moment: &super::alert::Moment| moment.fires.iter().all(|it| it.tier != at);
                    !case.series.is_empty() && case.moments.iter().all(of)
                });
                assert!(is_silent, "{what} always fires");
            }
        }
    }
}

#[test]
fn every_alert_there_is_has_a_family_in_the_test_and_a_runbook() {
    let system = system();
    let files = system.render().expect("nothing is wrong");
    let environment = Environment::prod();
    let alerts = alerts::of(&system, &environment);
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.about.name).collect();
    let expected = [
        "BacklogGrowing",
        "DatabasePoolSaturated",
        "DependencyDown",
        "ErrorBudgetBurn",
        "HttpErrorsHigh",
        "HttpHandlerPanicked",
        "HttpInFlightHigh",
        "HttpLatencyAboveBaseline",
        "HttpLatencyHigh",
        "OperationFailuresHigh",
        "OperationPanicked",
        "QueueGrowing",
        "ScrapeRejected",
        "SeriesCapped",
        "TargetDown",
        "TelemetryDropped",
        "ToolFailuresHigh",
        "ToolPanicked",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let index = files.get("docs/runbooks/README.md").expect("an index");
    for name in names {
        let page = files.get(&format!("docs/runbooks/{name}.md"));
        let page = page.unwrap_or_else(|| panic!("no runbook of {name}"));
        for heading in [
            "First look",
            "Likely causes",
            "What to do",
            "Conditions",
            "Silence",
        ] {
            assert!(
                page.contains(&format!("## {heading}\n")),
                "{name}: {heading}"
            );
        }
        assert!(index.contains(&format!("[{name}]({name}.md)")), "{name}");
    }
}

#[test]
fn the_tiers_of_an_alert_differ_by_severity_and_a_page_has_a_warning_below_it() {
    let system = system();
    for environment in &system.environments {
        for alert in alerts::of(&system, environment) {
            let of = |severity| {
                let own = alert.tiers.iter().filter(move |it| it.severity == severity);
                own.map(|tier| tier.window).collect::<Vec<_>>()
            };
            let (pages, warnings) = (of(Severity::Page), of(Severity::Warning));
            let name = alert.about.name;
            assert!(!warnings.is_empty(), "{name} in {}", environment.name);
            assert!(environment.name != "dev" || pages.is_empty(), "{name}");
            // More than one of a severity are told apart by their window.
            for tiers in [pages, warnings] {
                let windows: BTreeSet<_> = tiers.iter().collect();
                assert_eq!(windows.len(), tiers.len(), "{name} in {}", environment.name);
            }
        }
    }
}

/// What the mission asks for in each environment, whatever its own bounds are: more than 5 % of
/// requests failing for five minutes is heard.
#[test]
fn errors_above_five_percent_for_five_minutes_are_heard_in_every_environment_of_ours() {
    let system = system();
    for environment in &system.environments {
        let alerts = alerts::of(&system, environment);
        let errors = alerts.iter().find(|it| it.about.name == "HttpErrorsHigh");
        let tiers = errors.map_or(&[][..], |alert| &alert.tiers);
        let heard = tiers
            .iter()
            .any(|tier| tier.bound <= 0.05 && tier.hold == "5m");
        assert!(heard, "{}", environment.name);
    }
}

#[test]
fn a_bound_between_two_buckets_is_refused_with_the_buckets_and_what_to_write() {
    let system = in_environment(|it| it.latency = Threshold::page(0.8, 0.5));
    let problems = problems(&system);
    let [problem] = &problems[..] else {
        panic!("one problem: {problems:?}");
    };
    for part in [
        "`prod`",
        "0.8 s",
        "`shop_http_request_duration_seconds`",
        "`shop`",
        "[0.1, 0.5, 0.75, 1.0, 1.5, 2.5]",
        ".http_buckets(&[0.1, 0.5, 0.75, 0.8, 1.0, 1.5, 2.5])",
        "guesses",
    ] {
        assert!(problem.contains(part), "{part}: {problem}");
    }
}

#[test]
fn a_bound_at_the_last_bucket_is_refused_because_no_percentile_is_larger() {
    let system = in_environment(|it| it.latency = Threshold::page(2.5, 1.5));
    let problems = problems(&system);
    let [problem] = &problems[..] else {
        panic!("one problem: {problems:?}");
    };
    assert!(problem.contains("never fire"), "{problem}");
    assert!(problem.contains("1.5, 2.5, 5.0])"), "{problem}");
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    let mut dev = Environment::dev();
    dev.errors = Threshold::page(0.01, 0.02);
    dev.in_flight = Threshold::warning(0.0);
    dev.tools = Threshold::warning(f64::NAN);
    dev.latency = Threshold::warning(0.3);
    let system = system()
        .service(Service::new(catalogue("shop")))
        .environments([dev.clone(), dev])
        .mail_relay("mail");
    let problems = problems(&system).join("\n");
    for part in [
        "the service `shop` is there twice",
        "the environment `dev` is there twice",
        "pages above 0.01 and warns above 0.02",
        "`in_flight` of the environment `dev` has the warning 0",
        "`tools` of the environment `dev` has the warning NaN",
        "is 0.3 s",
        "the mail relay is \"mail\"",
    ] {
        assert!(problems.contains(part), "{part}: {problems}");
    }
}

#[test]
fn names_that_no_file_can_have_are_refused() {
    for name in ["", "../prod", "a b", "-prod", "a/b", &"a".repeat(64)] {
        let system = in_environment(|it| it.name = name.to_owned());
        let problems = problems(&system);
        assert!(
            problems[0].contains("name of one environment"),
            "{problems:?}"
        );
    }
    assert!(problems(&System::new("shop"))[0].contains("there is no service"));
    let nowhere = system().environments([]);
    assert!(problems(&nowhere)[0].contains("there is no environment"));
}

#[test]
fn an_objective_that_cannot_be_judged_is_refused() {
    let aside = of_metric("shop_order_seconds", |it| it.objectives[0].at = 1.2);
    let problem = problems(&aside).join("\n");
    assert!(problem.contains("src/metrics.rs:7"), "{problem}");
    assert!(
        problem.contains("buckets = [0.5, 1.0, 1.2, 2.0]"),
        "{problem}"
    );
    for target in [0.0, 100.0, f64::NAN] {
        let system = of_metric("shop_order_seconds", |it| {
            it.objectives = vec![objective(target)];
        });
        let problem = problems(&system).join("\n");
        assert!(problem.contains("the target"), "{problem}");
    }
}

fn windows(target: f64) -> Vec<&'static str> {
    let system = of_metric("shop_order_seconds", |it| {
        it.objectives = vec![objective(target)];
    });
    let alerts = alerts::of(&system, &Environment::prod());
    let burn = alerts.iter().find(|it| it.about.name == "ErrorBudgetBurn");
    let tiers = burn.map_or(&[][..], |alert| &alert.tiers);
    tiers.iter().filter_map(|tier| tier.window).collect()
}

#[test]
fn a_burn_rate_that_nothing_can_reach_has_no_alert() {
    assert_eq!(windows(99.9), ["1h", "6h", "1d", "3d"]);
    assert_eq!(windows(94.0), ["1h", "6h", "1d", "3d"]);
    // 14.4 times a tenth is more than all.
    assert_eq!(windows(90.0), ["6h", "1d", "3d"]);
    assert_eq!(windows(50.0), ["3d"]);
}

#[test]
fn a_service_gets_alerts_only_about_what_it_has() {
    let bare = Catalogue {
        service: "bare".to_owned(),
        prefix: None,
        blocks: Vec::new(),
        metrics: Vec::new(),
    };
    let system = System::new("shop").service(Service::new(bare));
    let alerts = alerts::of(&system, &Environment::prod());
    let names: Vec<&str> = alerts.iter().map(|alert| alert.about.name).collect();
    assert_eq!(names, ["TargetDown"]);
    assert!(system.render().is_ok());
}

#[test]
fn a_queue_without_its_counters_is_no_queue() {
    let system = of_metric("shop_queue_drained_total", |it| it.kind = Kind::Gauge);
    let alerts = alerts::of(&system, &Environment::prod());
    assert!(alerts.iter().all(|it| it.about.name != "QueueGrowing"));
}

#[test]
fn cancelled_calls_are_no_events_of_an_objective() {
    let files = system().render().expect("nothing is wrong");
    let rules = files.get("deploy/prometheus/rules/recording.yml");
    let rules = rules.expect("rules");
    assert!(rules.contains(
        "shop_order_seconds_bucket{service=\"shop\",environment!=\"\",result!=\"cancelled\",le=\"1.0\"}[3d]"
    ));
}

#[test]
fn a_page_silences_the_warning_about_the_same_thing_and_no_other() {
    let system = system();
    for environment in &system.environments {
        for alert in &alerts::of(&system, environment) {
            // What tells one thing from another, by severity: the labels of all that fires.
            let of = |severity| {
                let cases = alert.cases.iter().flat_map(|case| &case.moments);
                let firing = cases.flat_map(|moment| &moment.fires);
                let own = firing.filter(move |it| alert.tiers[it.tier].severity == severity);
                let labels = own.flat_map(|it| it.labels.iter().map(|(name, _)| *name));
                let fixed = alert.labels.iter().map(|(name, _)| *name);
                labels.chain(fixed).collect::<BTreeSet<&str>>()
            };
            if alert
                .tiers
                .iter()
                .all(|it| it.severity == Severity::Warning)
            {
                continue;
            }
            let name = alert.about.name;
            let page = of(Severity::Page);
            let warning = of(Severity::Warning);
            for label in &page {
                assert!(SAME_THING.contains(label), "{name} pages by `{label}`");
            }
            let compared = warning.into_iter().filter(|it| SAME_THING.contains(it));
            assert_eq!(page, compared.collect(), "{name}");
        }
    }
}

/// Prometheus stores `1e+06`, whatever a page says: a rule with another spelling never has a value.
#[test]
fn an_objective_above_a_million_selects_the_bucket_as_prometheus_spells_it() {
    let system = of_metric("shop_order_seconds", |it| {
        it.buckets = vec![1000.0, 1_000_000.0, 5_000_000.0];
        it.objectives[0].at = 1_000_000.0;
    });
    let files = system.render().expect("nothing is wrong");
    let rules = files.get("deploy/prometheus/rules/recording.yml");
    let rules = rules.expect("rules");
    assert!(rules.contains("le=\"1e+06\"}[3d]"), "{rules}");
}

#[test]
fn a_value_of_a_label_is_no_template() {
    let hostile = "{{ end }} \"$labels\" `|` # 100 % ä";
    let system = of_metric("shop_order_seconds", |it| {
        it.labels.push(label("kind", &[hostile]));
        it.objectives[0].labels = vec![("kind".to_owned(), hostile.to_owned())];
    });
    let files = system.render().expect("nothing is wrong");
    let alerts = files.get("deploy/prometheus/rules/alerts-prod.yml");
    let alerts = alerts.expect("alerts");
    // In the label, and in the summary.
    let literal = r#"shop_order_seconds/{{ \"{{\" }} end }} \"$labels\" `|` # 100 % ä"#;
    assert_eq!(alerts.matches(literal).count(), 2 * 4, "{alerts}");
    assert!(!alerts.contains("too often {{ end"), "{alerts}");
}

#[test]
fn a_label_in_the_place_of_the_targets_own_is_refused() {
    for name in ["service", "environment"] {
        let system = of_metric("shop_order_seconds", |it| {
            it.declared_at = vec!["src/metrics.rs:7".to_owned()];
            it.labels.push(label(name, &["mail"]));
        });
        let problems = problems(&system);
        let [problem] = &problems[..] else {
            panic!("one problem: {problems:?}");
        };
        for part in [
            "`shop_order_seconds`",
            "src/metrics.rs:7",
            name,
            "upstream_",
        ] {
            assert!(problem.contains(part), "{part}: {problem}");
        }
    }
}

#[test]
fn two_objectives_of_one_name_are_refused() {
    let system = of_metric("shop_order_seconds", |it| {
        it.objectives = vec![objective(99.0), objective(95.0)];
    });
    let problem = problems(&system).join("\n");
    assert!(
        problem.contains("called `shop_order_seconds@1.0`"),
        "{problem}"
    );
}
