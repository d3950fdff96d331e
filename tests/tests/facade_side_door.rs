//! What third-party crates record through the `metrics` facade.

#![expect(
    clippy::float_cmp,
    reason = "counts are whole numbers and compared exactly"
)]

use obs::{Format, Obs};
use obs_tests::scrape::Scrape;

#[derive(obs::Label, Clone, Copy)]
enum Tier {
    Free,
    Paid,
}

obs::metrics! {
    registry SHOP;

    /// Orders taken.
    counter facade_orders_total(tier: Tier, gift: bool);

    /// Money taken.
    #[expect(dead_code, reason = "recorded by name")]
    counter<f64> facade_money_total();

    /// Orders that wait.
    gauge facade_waiting(tier: Tier);

    /// How full the store is.
    #[expect(dead_code, reason = "recorded by name")]
    gauge<f64> facade_load_ratio();

    /// Seconds an order takes.
    #[expect(dead_code, reason = "recorded by name")]
    histogram facade_order_seconds(tier: Tier) { buckets = [0.1, 1.0] };

    /// The build.
    info facade_shop_build_info { version: "1" };
}

fn obs() -> Obs {
    Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .facade_cap(10)
        .detached()
        .unwrap()
}

/// Runs code whose facade records go to `obs`, then scrapes.
fn recorded(obs: &Obs, body: impl FnOnce()) -> Scrape {
    let recorder = obs.recorder().unwrap();
    metrics::with_local_recorder(&recorder, body);
    both(obs)
}

fn both(obs: &Obs) -> Scrape {
    let open = Scrape::openmetrics(&obs.scrape(Format::OpenMetrics));
    let text = Scrape::text(&obs.scrape(Format::Text));
    assert_eq!(text.samples.len(), open.samples.len());
    text
}

fn dropped(scrape: &Scrape, reason: &str) -> f64 {
    scrape
        .value("obs_facade_dropped_total", &[("reason", reason)])
        .unwrap()
}

fn all_dropped(scrape: &Scrape) -> f64 {
    scrape.sum("obs_facade_dropped_total", &[])
}

#[test]
fn every_reason_is_on_the_scrape_at_zero_before_anything_is_dropped() {
    let scrape = recorded(&obs(), || {});
    assert_eq!(scrape.count("obs_facade_dropped_total"), 6);
    assert_eq!(all_dropped(&scrape), 0.0);
    assert_eq!(scrape.value("obs_facade_capped_total", &[]), Some(0.0));
}

#[test]
fn names_that_meet_after_cleaning_are_counted_together() {
    let scrape = recorded(&obs(), || {
        metrics::counter!("a.b").increment(1);
        metrics::counter!("a-b").increment(10);
        metrics::counter!("a_b").increment(100);
    });
    assert_eq!(scrape.value("a_b", &[]), Some(111.0));
    assert_eq!(scrape.types["a_b"], "counter");
}

#[test]
fn label_keys_that_meet_after_cleaning_do_not_merge_series() {
    let scrape = recorded(&obs(), || {
        metrics::counter!("keys", "a.b" => "1", "a-b" => "2").increment(1);
        metrics::counter!("keys", "a.b" => "2", "a-b" => "1").increment(10);
        metrics::histogram!("spread", "quantile" => "mine").record(1.0);
    });
    assert_eq!(
        scrape.value("keys", &[("a_b", "2"), ("a_b_2", "1")]),
        Some(1.0)
    );
    assert_eq!(
        scrape.value("keys", &[("a_b", "1"), ("a_b_2", "2")]),
        Some(10.0)
    );
    assert_eq!(
        scrape.value("spread_count", &[("exported_quantile", "mine")]),
        Some(1.0)
    );
}

#[test]
fn an_empty_label_value_is_the_same_series_as_no_label() {
    let scrape = recorded(&obs(), || {
        metrics::counter!("empty", "a" => "", "b" => "x").increment(1);
        metrics::counter!("empty", "b" => "x").increment(1);
    });
    assert_eq!(scrape.value("empty", &[("b", "x")]), Some(2.0));
    assert_eq!(scrape.count("empty"), 1);
}

#[test]
fn label_values_that_the_exporter_would_merge_stay_apart() {
    let values = [
        "\\n",
        "\n",
        "\\",
        "\\\\",
        "\"",
        "\\\"",
        "\u{E000}b",
        "\u{E000}",
    ];
    let scrape = recorded(&obs(), || {
        for (at, value) in values.iter().enumerate() {
            metrics::counter!("awkward", "v" => *value).increment(1 << at);
        }
        metrics::describe_counter!("awkward", "Back\\slash\nand \"quotes\"");
    });
    for (at, value) in values.iter().enumerate() {
        let expected = f64::from(1 << at);
        assert_eq!(
            scrape.value("awkward", &[("v", value)]),
            Some(expected),
            "{value:?}"
        );
    }
    assert_eq!(scrape.helps["awkward"], "Back\\slash\nand \"quotes\"");
}

#[test]
fn label_order_does_not_make_a_second_series() {
    let scrape = recorded(&obs(), || {
        metrics::counter!("ordered", "a" => "1", "b" => "2").increment(1);
        metrics::counter!("ordered", "b" => "2", "a" => "1").increment(1);
    });
    assert_eq!(
        scrape.value("ordered", &[("a", "1"), ("b", "2")]),
        Some(2.0)
    );
}

#[test]
fn past_the_cap_everything_goes_to_other_and_the_sum_is_exact() {
    let scrape = recorded(&obs(), || {
        for n in 0..10_000_u32 {
            metrics::counter!("capped", "user" => n.to_string(), "zone" => "x").increment(1);
            metrics::gauge!("capped_gauge", "user" => n.to_string()).increment(1.0);
            metrics::histogram!("capped_seconds", "user" => n.to_string()).record(0.2);
        }
        // A new key must not open a second way out.
        metrics::counter!("capped", "other_key" => "x").increment(1);
    });
    assert_eq!(scrape.count("capped"), 11);
    assert_eq!(scrape.sum("capped", &[]), 10_001.0);
    let other = [("user", "_other"), ("zone", "_other")];
    assert_eq!(scrape.value("capped", &other), Some(9991.0));
    assert_eq!(scrape.sum("capped_gauge", &[]), 10_000.0);
    assert_eq!(scrape.count("capped_seconds_count"), 11);
    assert_eq!(scrape.sum("capped_seconds_count", &[]), 10_000.0);
    assert_eq!(
        scrape.value("obs_facade_capped_total", &[]),
        Some(9991.0 + 2.0 * 9990.0)
    );
    assert_eq!(all_dropped(&scrape), 0.0);
}

#[test]
fn cap_of_names_is_counted_too() {
    let scrape = recorded(&obs(), || {
        for n in 0..1_200 {
            metrics::counter!(format!("name_{n}")).increment(1);
        }
    });
    assert_eq!(dropped(&scrape, "too_many_names"), 200.0);
}

#[test]
fn a_name_keeps_its_first_kind() {
    let scrape = recorded(&obs(), || {
        metrics::counter!("kind").increment(5);
        metrics::gauge!("kind").set(1.0);
        metrics::histogram!("kind").record(1.0);
        metrics::counter!("kind").increment(1);
    });
    assert_eq!(scrape.value("kind", &[]), Some(6.0));
    assert_eq!(dropped(&scrape, "kind_conflict"), 2.0);
}

#[test]
fn a_name_that_is_part_of_a_histogram_or_of_obs_is_refused() {
    let scrape = recorded(&obs(), || {
        metrics::histogram!("span").record(1.0);
        metrics::counter!("span_count").increment(1);
        metrics::counter!("whole_sum").increment(1);
        metrics::histogram!("whole").record(1.0);
        metrics::counter!("http.requests.total").increment(1);
        metrics::gauge!("obs_series").set(1.0);
        metrics::counter!("facade_order_seconds_bucket").increment(1);
    });
    assert_eq!(dropped(&scrape, "name_collision"), 5.0);
    assert_eq!(scrape.value("span_count", &[]), Some(1.0));
}

#[test]
fn histograms_in_seconds_have_buckets_and_others_are_summaries() {
    let scrape = recorded(&obs(), || {
        for value in [0.003, 0.2, 7.0, 100.0] {
            metrics::histogram!("db.query.seconds").record(value);
            metrics::histogram!("rows").record(value);
        }
        metrics::histogram!("checksum").record(4.0);
        metrics::histogram!("checksum").record(5.0);
        metrics::histogram!("rows").record(f64::NAN);
        metrics::histogram!("rows").record(f64::INFINITY);
    });
    assert_eq!(scrape.types["db_query_seconds"], "histogram");
    assert_eq!(
        scrape.value("db_query_seconds_bucket", &[("le", "0.25")]),
        Some(2.0)
    );
    assert_eq!(
        scrape.value("db_query_seconds_bucket", &[("le", "+Inf")]),
        Some(4.0)
    );
    assert_eq!(scrape.types["rows"], "summary");
    assert_eq!(scrape.value("rows_count", &[]), Some(4.0));
    assert_eq!(dropped(&scrape, "invalid_value"), 2.0);
    assert_eq!(scrape.value("checksum_sum", &[]), Some(9.0));
    assert_eq!(scrape.value("checksum_count", &[]), Some(2.0));
}

#[test]
fn facade_calls_on_declared_metrics_land_in_their_cells() {
    let obs = obs();
    let capture = obs::test::capture();
    capture.run_sync(|| {
        recorded(&obs, || {
            facade_orders_total(Tier::Paid, true).inc();
            metrics::counter!("facade_orders_total", "gift" => "true", "tier" => "paid")
                .increment(2);
            metrics::counter!("facade_orders_total", "tier" => "free", "gift" => "false")
                .absolute(7);
            metrics::counter!("facade_orders_total", "tier" => "free", "gift" => "false")
                .absolute(5);
            metrics::counter!("facade_money_total").increment(3);
            metrics::counter!("facade_money_total").absolute(10);
            metrics::gauge!("facade_waiting", "tier" => "free").set(4.6);
            facade_waiting(Tier::Free).sub(2);
            metrics::gauge!("facade_load_ratio").increment(0.25);
            metrics::histogram!("facade_order_seconds", "tier" => "free").record(0.5);
        })
    });
    let value = |name: &str, labels: &[(&str, &str)]| capture.value(name, labels);
    assert_eq!(value("facade_orders_total", &[("tier", "paid")]), 3.0);
    assert_eq!(value("facade_orders_total", &[("tier", "free")]), 7.0);
    assert_eq!(value("facade_money_total", &[]), 10.0);
    assert_eq!(value("facade_waiting", &[]), 3.0);
    assert_eq!(value("facade_load_ratio", &[]), 0.25);
    assert_eq!(
        value("facade_order_seconds_count", &[("tier", "free")]),
        1.0
    );
}

#[test]
fn what_does_not_fit_a_declared_metric_is_dropped_and_counted() {
    let obs = obs();
    let before = both(&obs).count("facade_orders_total");
    let scrape = recorded(&obs, || {
        for _ in 0..3 {
            metrics::counter!("facade_orders_total", "tier" => "gold", "gift" => "true")
                .increment(9);
        }
        metrics::counter!("facade_orders_total", "tier" => "free").increment(1);
        metrics::counter!("facade_orders_total", "tier" => "free", "size" => "1").increment(1);
        metrics::counter!("facade_orders_total").increment(1);
        metrics::gauge!("facade_orders_total", "tier" => "free", "gift" => "true").set(1.0);
        metrics::gauge!("facade_shop_build_info", "version" => "1").set(1.0);
        metrics::gauge!("facade_waiting", "tier" => "free").set(f64::NAN);
    });
    assert_eq!(dropped(&scrape, "unknown_label_value"), 3.0);
    assert_eq!(dropped(&scrape, "unknown_labels"), 3.0);
    assert_eq!(dropped(&scrape, "kind_conflict"), 2.0);
    assert_eq!(dropped(&scrape, "invalid_value"), 1.0);
    assert_eq!(scrape.count("facade_orders_total"), before);
    assert_eq!(scrape.label_values("facade_orders_total", "tier").len(), 2);
}

#[test]
fn absolute_from_many_threads_never_overshoots() {
    let obs = obs();
    let recorder = obs.recorder().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                metrics::with_local_recorder(&recorder, || {
                    for n in 0..500 {
                        metrics::counter!("facade_orders_total", "tier" => "paid", "gift" => "false")
                            .absolute(n);
                    }
                });
            });
        }
    });
    assert_eq!(facade_orders_total(Tier::Paid, false).get(), 499);
}

#[test]
fn records_from_many_threads_are_all_counted_while_scrapes_go_on() {
    let obs = obs();
    let recorder = obs.recorder().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let recorder = &recorder;
            scope.spawn(move || {
                metrics::with_local_recorder(recorder, || {
                    for n in 0..2_000 {
                        metrics::counter!("busy", "n" => (n % 40).to_string()).increment(1);
                        metrics::histogram!("busy.seconds", "t" => thread.to_string()).record(0.1);
                        metrics::histogram!("busy.rows").record(3.0);
                    }
                });
            });
        }
        for _ in 0..20 {
            drop(Scrape::text(&obs.scrape(Format::Text)));
        }
    });
    let scrape = both(&obs);
    assert_eq!(scrape.sum("busy", &[]), 16_000.0);
    assert_eq!(scrape.count("busy"), 11);
    assert_eq!(scrape.sum("busy_seconds_count", &[]), 16_000.0);
    assert_eq!(scrape.value("busy_rows_sum", &[]), Some(48_000.0));
}

#[test]
fn a_flood_of_samples_is_counted_exactly_and_not_kept() {
    let obs = obs();
    let recorder = obs.recorder().unwrap();
    metrics::with_local_recorder(&recorder, || {
        let (seconds, rows) = (
            metrics::histogram!("flood_seconds"),
            metrics::histogram!("flood"),
        );
        for n in 0..1_000_000_u32 {
            seconds.record(0.25);
            rows.record(2.0);
            if n % 100_000 == 0 {
                drop(obs.scrape(Format::Text));
            }
        }
    });
    let scrape = both(&obs);
    assert_eq!(scrape.value("flood_seconds_count", &[]), Some(1_000_000.0));
    assert_eq!(scrape.value("flood_seconds_sum", &[]), Some(250_000.0));
    assert_eq!(scrape.value("flood_count", &[]), Some(1_000_000.0));
    assert_eq!(scrape.value("flood_sum", &[]), Some(2_000_000.0));
    let median = scrape.value("flood", &[("quantile", "0.5")]).unwrap();
    assert!((median - 2.0).abs() < 0.01, "{median}");
}

#[test]
fn closed_the_side_door_is_not_there() {
    let obs = Obs::from_vars(obs::service!(), [("OBS_ENV", "dev")])
        .unwrap()
        .facade(false)
        .detached()
        .unwrap();
    assert!(obs.recorder().is_none());
    assert_eq!(both(&obs).count("obs_facade_dropped_total"), 0);
}
