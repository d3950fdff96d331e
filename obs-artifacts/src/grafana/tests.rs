use std::collections::BTreeSet;

use obs_runtime::Obs;
use serde_json::Value;

use super::model::{Panel, Visual};
use super::{dashboards, promql, render};
use crate::catalogue::{Catalogue, Kind};
use crate::files::Files;
use crate::system::{Service, System};

#[expect(
    dead_code,
    reason = "nothing is recorded: what is declared is looked at"
)]
mod shop {
    #[derive(obs_runtime::Label, Clone, Copy, Debug)]
    pub(super) enum Status {
        Waiting,
        Failed,
    }

    obs_runtime::metrics! {
        registry SHOP;

        /// Orders taken.
        counter shop_orders_total(status: Status);

        /// Orders that are open.
        gauge shop_orders_open();

        /// Bytes of an order.
        histogram shop_order_bytes(status: Status) {
            buckets = [100.0, 1000.0],
            slo = { at: 1000.0, target: 99.0 },
        };

        /// Which shop it is.
        info shop_info { owner: "ada" };

        /// Jobs, by status.
        gauge shop_jobs(status: Status);

        /// Mails that wait.
        gauge shop_mail_queue_depth();

        /// Mails put into the queue.
        counter shop_mail_queue_enqueued_total();

        /// Mails taken out of the queue.
        counter shop_mail_queue_drained_total();
    }
}

fn catalogue(name: &'static str) -> Catalogue {
    let service = obs_runtime::Service::new(name, "1.0.0");
    let setup = Obs::from_vars(service, [("OBS_ENV", "prod")]).expect("good variables");
    let setup = setup.metric_prefix("shop").declared_in([module_path!()]);
    Catalogue::of(&setup.detached().expect("a service"))
}

fn system() -> System {
    System::new("mall")
        .service(Service::new(catalogue("shop")))
        .service(Service::new(catalogue("back \"office\"")))
}

/// All panels but the titles of rows.
fn panels(system: &System) -> Vec<(String, Panel)> {
    let all = dashboards(system).into_iter();
    all.flat_map(|dashboard| {
        let uid = dashboard.uid;
        let panels = dashboard.panels.into_iter();
        panels.map(move |panel| (uid.clone(), panel))
    })
    .filter(|(_, panel)| !matches!(panel.visual, Visual::Row { .. }))
    .collect()
}

fn metrics_panels(system: &System) -> Vec<Panel> {
    let all = panels(system).into_iter();
    all.filter(|(uid, _)| uid == "shop-metrics")
        .map(|(_, panel)| panel)
        .collect()
}

fn queries_of<'a>(panels: &'a [Panel], title: &str) -> Vec<&'a str> {
    let panel = panels.iter().find(|panel| panel.title == title);
    let panel = panel.unwrap_or_else(|| panic!("no panel {title:?}"));
    panel
        .targets
        .iter()
        .map(super::model::Target::text)
        .collect()
}

#[test]
fn every_metric_of_a_service_is_on_its_dashboard() {
    let system = system();
    let panels = metrics_panels(&system);
    let queries = panels.iter().filter(|panel| panel.asks_prometheus());
    let shown: BTreeSet<&str> = queries
        .flat_map(|panel| &panel.targets)
        .flat_map(|target| promql::names(target.text()))
        .collect();
    for metric in &catalogue("shop").metrics {
        let name = match metric.kind {
            Kind::Histogram => format!("{}_bucket", metric.name),
            _ => metric.name.clone(),
        };
        assert!(shown.contains(&*name), "{name} is on no panel");
    }
}

#[test]
fn a_metric_that_a_user_declares_is_shown_as_its_kind_is_read() {
    let system = system();
    let panels = metrics_panels(&system);
    let here = "service=\"shop\",environment=\"$environment\"";
    assert_eq!(
        queries_of(&panels, "shop_orders_total"),
        [format!(
            "sum by (status) (rate(shop_orders_total{{{here}}}[$__rate_interval]))"
        )]
    );
    assert_eq!(
        queries_of(&panels, "shop_orders_open"),
        [format!("shop_orders_open{{{here}}}")]
    );
    assert_eq!(queries_of(&panels, "shop_order_bytes").len(), 4);
    assert_eq!(
        queries_of(&panels, "shop_order_bytes: heat map"),
        [format!(
            "sum by (le) (increase(shop_order_bytes_bucket{{{here}}}[$__rate_interval]))"
        )]
    );
    assert_eq!(
        queries_of(&panels, "shop_info"),
        [format!("max by (owner, instance) (shop_info{{{here}}})")]
    );
    let orders = panels
        .iter()
        .find(|panel| panel.title == "shop_orders_total");
    assert_eq!(orders.map(|it| &*it.description), Some("Orders taken."));
    let bytes = panels
        .iter()
        .find(|panel| panel.title == "shop_order_bytes");
    let config = bytes.and_then(|panel| panel.field_config.as_ref());
    assert_eq!(config.map(|it| &*it.defaults.unit), Some("bytes"));
}

#[test]
fn jobs_and_queues_are_known_by_their_names() {
    let system = system();
    let panels = metrics_panels(&system);
    assert_eq!(queries_of(&panels, "shop_jobs by status").len(), 1);
    assert_eq!(queries_of(&panels, "shop_mail_queue_depth").len(), 1);
    assert_eq!(queries_of(&panels, "shop_mail_queue: in and out").len(), 2);
}

#[test]
fn a_service_with_http_has_at_least_thirteen_panels() {
    let panels = metrics_panels(&system());
    assert!(panels.len() >= 13, "{}", panels.len());
    for title in [
        "Request rate",
        "Error rate",
        "p95 latency",
        "Route heat map",
        "Latency heat map",
        "Error types",
        "In flight",
        "Affected users",
        "Dropped telemetry",
        "SLO burn",
        "Versions",
    ] {
        assert!(!queries_of(&panels, title).is_empty());
    }
}

#[test]
fn what_a_service_has_no_family_of_has_no_panel() {
    let mut catalogue = catalogue("shop");
    catalogue
        .metrics
        .retain(|metric| !metric.name.contains("http"));
    let system = System::new("mall").service(Service::new(catalogue));
    let titles: Vec<String> = dashboards(&system)[0]
        .panels
        .iter()
        .map(|panel| panel.title.clone())
        .collect();
    assert!(titles.iter().any(|title| title == "Overview"), "{titles:?}");
    assert!(!titles.iter().any(|title| title == "HTTP"), "{titles:?}");
    let text = dashboards(&system)[0].file();
    assert!(!text.contains("http_requests_total"));
    assert!(!text.contains("$route"));
}

#[test]
fn names_in_queries_of_prometheus_are_declared_or_recorded() {
    let recorded =
        |name: &str| name == "slo:objective:ratio" || name.starts_with("slo:bad_events:ratio_rate");
    let declared = catalogue("shop");
    let mut seen = 0;
    for (_, panel) in panels(&system()) {
        let targets = panel.targets.iter().filter(|_| panel.asks_prometheus());
        for name in targets.flat_map(|target| promql::names(target.text())) {
            let base = name.strip_suffix("_bucket").unwrap_or(name);
            let known = declared.metric(base).is_some() || recorded(name);
            assert!(known, "{name} in {}", panel.title);
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_panel_has_a_title_a_description_and_a_unit() {
    for (uid, panel) in panels(&system()) {
        assert!(!panel.title.is_empty(), "{uid}");
        assert!(!panel.description.is_empty(), "{uid}: {}", panel.title);
        assert!(!panel.targets.is_empty(), "{uid}: {}", panel.title);
        let config = panel.field_config.expect("a unit");
        assert!(!config.defaults.unit.is_empty(), "{uid}: {}", panel.title);
    }
}

#[test]
fn panels_lie_beside_each_other_and_have_ids_of_their_own() {
    for dashboard in dashboards(&system()) {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in &dashboard.panels {
            assert!(ids.insert(panel.id), "{} twice", panel.id);
            let at = panel.grid_pos;
            assert!(at.w > 0 && at.h > 0 && at.x + at.w <= 24, "{at:?}");
            for x in at.x..at.x + at.w {
                for y in at.y..at.y + at.h {
                    assert!(cells.insert((x, y)), "{} lies on another", panel.title);
                }
            }
        }
        let bottom = dashboard
            .panels
            .iter()
            .map(|it| it.grid_pos.y + it.grid_pos.h);
        let area = 24 * bottom.max().unwrap_or(0) as usize;
        assert_eq!(cells.len(), area, "a hole in {}", dashboard.uid);
    }
}

#[test]
fn titles_differ_within_a_dashboard_so_that_ids_stay() {
    for dashboard in dashboards(&system()) {
        let mut row = "";
        let mut titles = BTreeSet::new();
        for panel in &dashboard.panels {
            if matches!(panel.visual, Visual::Row { .. }) {
                row = &panel.title;
                continue;
            }
            assert!(titles.insert((row, &panel.title)), "{row}/{}", panel.title);
        }
    }
}

#[test]
fn a_panel_keeps_its_id_when_a_metric_is_added_before_it() {
    let mut fewer = catalogue("shop");
    fewer
        .metrics
        .retain(|metric| metric.name != "shop_order_bytes");
    let id_of = |catalogue: Catalogue| {
        let system = System::new("mall").service(Service::new(catalogue));
        let dashboard = dashboards(&system).remove(0);
        let panel = dashboard
            .panels
            .into_iter()
            .find(|it| it.title == "shop_orders_total");
        panel.map(|panel| panel.id)
    };
    assert!(id_of(catalogue("shop")).is_some());
    assert_eq!(id_of(fewer), id_of(catalogue("shop")));
}

#[test]
fn every_variable_is_defined_and_all_have_an_environment_and_a_correlation_id() {
    for dashboard in dashboards(&system()) {
        let uid = &dashboard.uid;
        let defined: BTreeSet<&str> = dashboard.templating.list.iter().map(|it| it.name).collect();
        assert!(defined.contains("environment"), "{uid}");
        assert!(defined.contains("correlation_id"), "{uid}");
        let value: Value = serde_json::from_str(&dashboard.file()).expect("JSON");
        let mut used = BTreeSet::new();
        variables_in(&value, &mut used);
        for name in used {
            assert!(defined.contains(&*name), "{uid}: ${name}");
        }
    }
}

/// The names behind every dollar but Grafana's own, which begin with two underscores.
fn variables_in(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => used.extend(text.split('$').skip(1).filter_map(|after| {
            let after = after.strip_prefix('{').unwrap_or(after);
            let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
            let name = after.split(|it| !is_name(it)).next()?;
            (!name.is_empty() && !name.starts_with("__")).then(|| name.to_owned())
        })),
        Value::Array(values) => values.iter().for_each(|value| variables_in(value, used)),
        Value::Object(fields) => fields.values().for_each(|value| variables_in(value, used)),
        _ => {}
    }
}

#[test]
fn a_system_of_one_service_asks_for_no_other() {
    let system = System::new("mall").service(Service::new(catalogue("shop")));
    for dashboard in dashboards(&system) {
        let text = dashboard.file();
        assert!(!text.contains("$service"), "{}", dashboard.uid);
        assert!(!text.contains("var-service"), "{}", dashboard.uid);
    }
}

#[test]
fn the_same_declarations_give_the_same_bytes() {
    let [mut first, mut second] = [Files::default(), Files::default()];
    render(&system(), &mut first);
    render(&system(), &mut second);
    assert_eq!(first, second);
    let paths: Vec<&str> = first.iter().map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "deploy/grafana/dashboards/back--office--metrics.json",
            "deploy/grafana/dashboards/mall-logs.json",
            "deploy/grafana/dashboards/mall-traces.json",
            "deploy/grafana/dashboards/shop-metrics.json",
            "deploy/grafana/provisioning/dashboards/mall.yml",
            "deploy/grafana/provisioning/datasources/mall.yml",
        ]
    );
}

#[test]
fn ids_of_dashboards_are_not_longer_than_grafana_takes() {
    let long = "a-service-whose-name-is-much-longer-than-forty-letters";
    let [one, other] = [
        super::links::uid(long, "metrics"),
        super::links::uid(&format!("{long}-b"), "metrics"),
    ];
    assert!(one.len() <= 40 && other.len() <= 40, "{one} {other}");
    assert_ne!(one, other);
    assert!(one.ends_with("-metrics"), "{one}");
}

#[test]
fn sources_lead_from_exemplars_to_traces_to_lines_and_back() {
    let sources = super::provisioning::datasources(&system());
    let read = serde_json::to_value(sources).expect("our types have a form in JSON");
    let sources = read["datasources"].as_array().expect("a list");
    let of = |uid: &str| {
        let found = sources.iter().find(|source| source["uid"] == *uid);
        found.unwrap_or_else(|| panic!("no source {uid}"))["jsonData"].clone()
    };
    let exemplars = &of("prometheus")["exemplarTraceIdDestinations"][0];
    assert_eq!(exemplars["name"], "trace_id");
    assert_eq!(exemplars["datasourceUid"], "tempo");
    let to_lines = &of("tempo")["tracesToLogsV2"];
    assert_eq!(to_lines["datasourceUid"], "loki");
    assert_eq!(
        to_lines["query"],
        "{environment=\"$${__span.tags[\"deployment.environment.name\"]}\"} \
         |= \"$${__span.tags[\"correlation_id\"]}\""
    );
    let fields = &of("loki")["derivedFields"];
    assert_eq!(fields[0]["datasourceUid"], "tempo");
    let url = "/d/mall-logs?var-correlation_id=$${__value.raw}";
    assert_eq!(fields[1]["url"], url);
    assert_eq!(of("alertmanager")["implementation"], "prometheus");
}
