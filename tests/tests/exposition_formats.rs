//! Both text formats, read back by a reader that shares nothing with the writer.

use std::borrow::Cow;

use obs::catalog::{
    Family, FamilyDescriptor, HistogramValue, LabelPair, Sample, SummaryValue, Value,
};
use obs::exposition::render;
use obs::{Format, Kind};
use obs_tests::scrape::Scrape;

fn family(name: &str, kind: Kind, help: &str, samples: Vec<(Vec<LabelPair>, Value)>) -> Family {
    let mut family = Family::new(FamilyDescriptor {
        name: Cow::Owned(name.to_owned()),
        kind,
        unit: None,
        help: Cow::Owned(help.to_owned()),
    });
    family.samples = samples
        .into_iter()
        .map(|(labels, value)| Sample::new(labels, value))
        .collect();
    family
}

fn label(name: &'static str, value: &str) -> LabelPair {
    (Cow::Borrowed(name), Cow::Owned(value.to_owned()))
}

fn one(name: &str, kind: Kind, value: Value) -> Family {
    family(name, kind, "Help.", vec![(Vec::new(), value)])
}

fn histogram(bounds: &'static [f64], counts: &[u64], sum: f64) -> Value {
    Value::Histogram(HistogramValue {
        bounds: Cow::Borrowed(bounds),
        counts: counts.to_vec(),
        sum,
    })
}

#[test]
fn every_kind_is_written_as_each_format_spells_it() {
    let mut seconds = one(
        "wait_seconds",
        Kind::Histogram,
        histogram(&[0.05, 1.0, 10.0], &[1, 2, 0, 3], 40.5),
    );
    seconds.unit = Some("seconds");
    let families = [
        one("jobs_total", Kind::Counter, Value::Unsigned(u64::MAX)),
        one("level", Kind::Gauge, Value::Signed(-3)),
        one("build_info", Kind::Info, Value::Info),
        one("odd", Kind::Unknown, Value::Float(0.5)),
        seconds,
        one(
            "quick",
            Kind::Summary,
            Value::Summary(SummaryValue {
                quantiles: vec![(0.5, 1.5), (1.0, f64::NAN)],
                sum: 3.0,
                count: 2,
            }),
        ),
    ];
    assert_eq!(
        render(&families, Format::Text),
        "\
# HELP build_info Help.
# TYPE build_info gauge
build_info 1
# HELP jobs_total Help.
# TYPE jobs_total counter
jobs_total 18446744073709551615
# HELP level Help.
# TYPE level gauge
level -3
# HELP odd Help.
# TYPE odd untyped
odd 0.5
# HELP quick Help.
# TYPE quick summary
quick{quantile=\"0.5\"} 1.5
quick{quantile=\"1.0\"} NaN
quick_sum 3
quick_count 2
# HELP wait_seconds Help.
# TYPE wait_seconds histogram
wait_seconds_bucket{le=\"0.05\"} 1
wait_seconds_bucket{le=\"1.0\"} 3
wait_seconds_bucket{le=\"10.0\"} 3
wait_seconds_bucket{le=\"+Inf\"} 6
wait_seconds_sum 40.5
wait_seconds_count 6
"
    );
    assert_eq!(
        render(&families, Format::OpenMetrics),
        "\
# TYPE build info
# HELP build Help.
build_info 1
# TYPE jobs counter
# HELP jobs Help.
jobs_total 18446744073709551615
# TYPE level gauge
# HELP level Help.
level -3
# TYPE odd unknown
# HELP odd Help.
odd 0.5
# TYPE quick summary
# HELP quick Help.
quick{quantile=\"0.5\"} 1.5
quick{quantile=\"1.0\"} NaN
quick_sum 3
quick_count 2
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
# HELP wait_seconds Help.
wait_seconds_bucket{le=\"0.05\"} 1
wait_seconds_bucket{le=\"1.0\"} 3
wait_seconds_bucket{le=\"10.0\"} 3
wait_seconds_bucket{le=\"+Inf\"} 6
wait_seconds_sum 40.5
wait_seconds_count 6
# EOF
"
    );
}

#[test]
fn a_counter_without_total_keeps_its_name_and_is_of_unknown_type_in_openmetrics() {
    let text = render(
        &[one("requests", Kind::Counter, Value::Unsigned(3))],
        Format::OpenMetrics,
    );
    let scrape = Scrape::openmetrics(&text);
    assert_eq!(scrape.types["requests"], "unknown");
    assert_eq!(scrape.value("requests", &[]), Some(3.0));
}

#[test]
fn a_gauge_and_a_counter_that_differ_by_total_stay_two_families_in_openmetrics() {
    let families = [
        one("jobs", Kind::Gauge, Value::Signed(2)),
        one("jobs_total", Kind::Counter, Value::Unsigned(9)),
        one("jobs_info", Kind::Info, Value::Info),
    ];
    let scrape = Scrape::openmetrics(&render(&families, Format::OpenMetrics));
    assert_eq!(scrape.types["jobs"], "gauge");
    assert_eq!(scrape.types["jobs_total"], "unknown");
    assert_eq!(scrape.types["jobs_info"], "gauge");
    assert_eq!(scrape.value("jobs_total", &[]), Some(9.0));
}

#[test]
fn families_of_one_name_are_written_once_whatever_order_they_come_in() {
    let with = |kind, value: &str| {
        family(
            "a_total",
            kind,
            "Help.",
            vec![(vec![label("k", value)], Value::Unsigned(1))],
        )
    };
    let families = [
        with(Kind::Counter, "1"),
        one("b", Kind::Gauge, Value::Signed(0)),
        with(Kind::Counter, "2"),
        with(Kind::Gauge, "3"),
    ];
    for text in [
        render(&families, Format::Text),
        render(&families, Format::OpenMetrics),
    ] {
        assert_eq!(text.matches("# TYPE a").count(), 1, "{text}");
        assert!(
            text.contains("k=\"2\"") && !text.contains("k=\"3\""),
            "{text}"
        );
    }
    let scrape = Scrape::text(&render(&families, Format::Text));
    assert_eq!(scrape.count("a_total"), 2);
}

#[test]
fn nothing_at_all_is_a_complete_answer_in_both_formats() {
    assert_eq!(render(&[], Format::Text), "");
    assert_eq!(render(&[], Format::OpenMetrics), "# EOF\n");
}

#[test]
fn help_cannot_smuggle_in_a_line_of_its_own() {
    let help = "One\\two\n# TYPE evil counter\nevil 1 \"quoted\" \\n";
    let families = [family(
        "a",
        Kind::Gauge,
        help,
        vec![(Vec::new(), Value::Signed(1))],
    )];
    let text = Scrape::text(&render(&families, Format::Text));
    let open = Scrape::openmetrics(&render(&families, Format::OpenMetrics));
    for scrape in [text, open] {
        assert_eq!(scrape.helps["a"], help);
        assert_eq!(scrape.types.len(), 1);
    }
}

/// A small generator: the property must hold for any input, and every run sees the same ones.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 12] = [
            "\\",
            "\"",
            "\n",
            "n",
            "a",
            "\\n",
            "\\\\",
            "{",
            "}",
            ",",
            "=",
            "\u{2028}ä\t",
        ];
        let len = self.next() % 8;
        (0..len)
            .map(|_| PIECES[usize::try_from(self.next() % 12).unwrap()])
            .collect()
    }
}

#[test]
fn any_label_value_reads_back_as_itself_and_differs_from_every_other() {
    let mut random = Random(1);
    let values: std::collections::BTreeSet<String> = (0..4000).map(|_| random.text()).collect();
    let samples = values
        .iter()
        .enumerate()
        .map(|(at, value)| (vec![label("v", value)], Value::Unsigned(at as u64)))
        .collect();
    let families = [family("a_total", Kind::Counter, "", samples)];
    let text = Scrape::text(&render(&families, Format::Text));
    let open = Scrape::openmetrics(&render(&families, Format::OpenMetrics));
    assert_eq!(text.count("a_total"), values.len());
    for (at, value) in values.iter().enumerate() {
        let expected = f64::from(u32::try_from(at).unwrap());
        assert_eq!(text.value("a_total", &[("v", value)]), Some(expected));
        assert_eq!(open.value("a_total", &[("v", value)]), Some(expected));
    }
}

#[test]
fn any_number_reads_back_as_itself() {
    let mut random = Random(2);
    let mut numbers = vec![
        0.0,
        -0.0,
        1e-300,
        1e21,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    numbers.extend((0..4000).map(|_| f64::from_bits(random.next())));
    let samples = numbers
        .iter()
        .enumerate()
        .map(|(at, number)| (vec![label("n", &at.to_string())], Value::Float(*number)))
        .collect();
    let text = render(&[family("a", Kind::Gauge, "", samples)], Format::Text);
    let scrape = Scrape::text(&text);
    for (at, number) in numbers.iter().enumerate() {
        let read = scrape.value("a", &[("n", &at.to_string())]).unwrap();
        assert!(
            read.to_bits() == number.to_bits() || (read.is_nan() && number.is_nan()),
            "{number} was read as {read}"
        );
    }
}

#[test]
fn buckets_rise_and_end_in_the_count_for_any_counts() {
    const BOUNDS: &[f64] = &[0.005, 0.75, 1.0, 2.5, 1_048_576.0];
    let mut random = Random(3);
    let samples = (0..200)
        .map(|at| {
            let counts: Vec<u64> = (0..=BOUNDS.len()).map(|_| random.next() % 1000).collect();
            let value = histogram(BOUNDS, &counts, 0.1);
            (vec![label("n", &at.to_string())], value)
        })
        .collect();
    let families = [family("h", Kind::Histogram, "", samples)];
    // The reader checks the rules; the spelling of the bounds must not depend on the format.
    let text = Scrape::text(&render(&families, Format::Text));
    let open = Scrape::openmetrics(&render(&families, Format::OpenMetrics));
    assert_eq!(text.samples, open.samples);
    assert_eq!(
        text.label_values("h_bucket", "le")
            .into_iter()
            .collect::<Vec<_>>(),
        ["+Inf", "0.005", "0.75", "1.0", "1.048576e+06", "2.5"]
    );
}
