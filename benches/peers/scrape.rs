//! Writing a scrape of 10,000 counter series: two labels of 100 values each.

use measured::text::BufferedTextEncoder;
use measured::{CounterVec, FixedCardinalityLabel, LabelGroup, MetricGroup};
use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus::{IntCounterVec, Opts, TextEncoder};
use prometheus_client::metrics::{counter::Counter, family::Family};

use crate::harness::{Role, median_millis};
use crate::options::Options;
use crate::report::Table;

/// Values of a hundred letters' worth of nothing: `value_00` to `value_99`.
const VALUES: [&str; 100] = {
    macro_rules! tens {
        ($($tens:literal)*) => {
            [$(
                concat!("value_", $tens, "0"), concat!("value_", $tens, "1"),
                concat!("value_", $tens, "2"), concat!("value_", $tens, "3"),
                concat!("value_", $tens, "4"), concat!("value_", $tens, "5"),
                concat!("value_", $tens, "6"), concat!("value_", $tens, "7"),
                concat!("value_", $tens, "8"), concat!("value_", $tens, "9"),
            )*]
        };
    }
    tens!(0 1 2 3 4 5 6 7 8 9)
};

/// A label of 100 values, written by hand because the enum would fill a page.
#[derive(Clone, Copy, Debug)]
struct Hundred(usize);

impl obs::Label for Hundred {
    const VALUES: &'static [&'static str] = &VALUES;

    fn index(self) -> usize {
        self.0
    }
}

impl FixedCardinalityLabel for Hundred {
    fn cardinality() -> usize {
        VALUES.len()
    }

    fn encode(&self) -> usize {
        self.0
    }

    fn decode(value: usize) -> Self {
        Self(value)
    }
}

impl measured::label::LabelValue for Hundred {
    fn visit<V: measured::label::LabelVisitor>(&self, visitor: V) -> V::Output {
        visitor.write_str(VALUES[self.0])
    }
}

obs::metrics! {
    registry SCRAPED;
    max_series = 10_000;

    /// Rows that were read.
    counter bench_rows_total(source: Hundred, kind: Hundred) { max_series = 10_000 }
}

type Scrape = Box<dyn Fn() -> String>;

/// Times every way of writing the text.
pub(crate) fn table(options: &Options) -> Table {
    let title = "Scrape of 10,000 counter series with two labels";
    eprintln!("{title} …");
    let ways: [(Role, &str, Scrape); 6] = [
        (Role::Obs, "**obs**, text 0.0.4", obs(obs::Format::Text)),
        (
            Role::Obs,
            "**obs**, OpenMetrics",
            obs(obs::Format::OpenMetrics),
        ),
        (Role::Peer, "measured 0.0.25, dense", measured()),
        (Role::Peer, "prometheus-client 0.25", prometheus_client()),
        (Role::Peer, "prometheus 0.14", prometheus()),
        (Role::Peer, "metrics-exporter-prometheus 0.18", exporter()),
    ];
    for (_, name, way) in &ways {
        let text = way();
        let series = text
            .lines()
            .filter(|line| line.starts_with("bench_rows_total{"));
        assert_eq!(series.count(), 10_000, "{name} must write the same series");
    }
    let closures = ways.each_ref().map(|(_, _, way)| way.as_ref());
    let times = median_millis(options.rounds() * 7, &closures);
    let rows = ways.into_iter().zip(times);
    Table::of_times(
        title,
        "ms",
        rows.map(|((role, name, _), time)| (role, name, time)),
    )
}

/// Gives every series its value.
fn fill(mut add: impl FnMut(usize, usize, u64)) {
    for source in 0..100 {
        for kind in 0..100 {
            add(
                source,
                kind,
                (source as u64 * 7_919 + kind as u64 * 104_729) % 1_000_000,
            );
        }
    }
}

/// What a process shows besides (its other families) is on this scrape too.
fn obs(format: obs::Format) -> Scrape {
    static FILLED: std::sync::Once = std::sync::Once::new();
    FILLED.call_once(|| {
        fill(|source, kind, n| bench_rows_total(Hundred(source), Hundred(kind)).add(n));
    });
    Box::new(move || obs::exposition::render(&obs::catalog::gather(), format))
}

#[derive(Clone, Copy, Debug, LabelGroup)]
#[label(set = RowSet)]
struct Row {
    source: Hundred,
    kind: Hundred,
}

#[derive(MetricGroup)]
#[metric(new())]
struct Rows {
    /// Rows that were read.
    bench_rows_total: CounterVec<RowSet>,
}

fn measured() -> Scrape {
    let rows = Rows::new();
    fill(|source, kind, n| {
        let row = Row {
            source: Hundred(source),
            kind: Hundred(kind),
        };
        rows.bench_rows_total.inc_by(row, n);
    });
    Box::new(move || {
        let mut encoder = BufferedTextEncoder::new();
        let Ok(()) = rows.collect_group_into(&mut encoder);
        String::from_utf8(encoder.finish().to_vec()).expect("the text is UTF-8")
    })
}

fn prometheus_client() -> Scrape {
    type Labels = [(&'static str, &'static str); 2];
    let rows = Family::<Labels, Counter>::default();
    fill(|source, kind, n| {
        let labels = [("source", VALUES[source]), ("kind", VALUES[kind])];
        rows.get_or_create(&labels).inc_by(n);
    });
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("bench_rows", "Rows that were read", rows);
    Box::new(move || {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)
            .expect("a string takes everything");
        text
    })
}

fn prometheus() -> Scrape {
    let options = Opts::new("bench_rows_total", "Rows that were read.");
    let rows = IntCounterVec::new(options, &["source", "kind"]).expect("the names are valid");
    fill(|source, kind, n| {
        rows.with_label_values(&[VALUES[source], VALUES[kind]])
            .inc_by(n);
    });
    let registry = prometheus::Registry::new();
    registry
        .register(Box::new(rows))
        .expect("the registry is empty");
    Box::new(move || {
        TextEncoder::new()
            .encode_to_string(&registry.gather())
            .expect("a string takes everything")
    })
}

fn exporter() -> Scrape {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        fill(|source, kind, n| {
            metrics::counter!("bench_rows_total", "source" => VALUES[source], "kind" => VALUES[kind])
                .increment(n);
        });
    });
    Box::new(move || handle.render())
}
