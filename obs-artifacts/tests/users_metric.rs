//! A metric that a user adds to `metrics!` is everywhere without another line.

use std::path::Path;

use obs_artifacts::{Catalogue, Service, System};
use obs_runtime::Obs;

#[derive(obs_runtime::Label, Clone, Copy)]
enum Size {
    Small,
    Large,
}

obs_runtime::metrics! {
    registry PARCELS;

    /// Parcels packed.
    counter parcels_packed_total(size: Size);
}

#[test]
fn it_is_in_the_page_the_dashboard_the_catalogue_and_what_the_console_reads() {
    parcels_packed_total(Size::Small).inc();
    parcels_packed_total(Size::Large).add(2);
    let service = obs_runtime::Service::new("parcels", "1.0.0");
    let setup = Obs::from_vars(service, [("OBS_ENV", "prod")]).expect("a setup");
    let obs = setup.detached().expect("an obs");
    let system = System::new("parcels").service(Service::new(Catalogue::of(&obs)));
    let files = system.render().expect("files");
    let file = |path: &str| files.get(path).unwrap_or_else(|| panic!("no {path}"));

    let page = file("docs/metrics.md");
    let entry = page
        .split("#### `parcels_packed_total`")
        .nth(1)
        .expect("an entry");
    assert!(entry.contains("Parcels packed."));
    assert!(entry.contains("| label `size` | `small`, `large` |"));
    assert!(entry.contains("obs-artifacts/tests/users_metric.rs:"));

    let path = "deploy/catalogue/parcels.json";
    let saved = Catalogue::parse(file(path), Path::new(path)).expect("a catalogue");
    let metric = saved.metric("parcels_packed_total").expect("the metric");
    assert_eq!(metric.labels[0].values, ["small", "large"]);
    // What was saved is what is declared: nothing changed between them.
    assert!(Catalogue::compare(&saved, &Catalogue::of(&obs)).is_empty());

    let dashboards = files
        .iter()
        .filter(|(path, _)| path.starts_with("deploy/grafana/dashboards/"));
    let named = dashboards.filter(|(_, text)| text.contains("parcels_packed_total{"));
    assert_eq!(named.count(), 1);

    // The console draws whatever families there are.
    let families = obs.families();
    let family = families.iter().find(|it| it.name == "parcels_packed_total");
    assert_eq!(family.expect("the family").samples.len(), 2);
}
