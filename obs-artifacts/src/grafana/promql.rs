//! `PromQL` over the series of one service in the environment that is chosen.

use crate::catalogue::Metric;

/// What every selector holds: the service, and the environment of the dashboard's variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Series<'a> {
    service: &'a str,
}

impl<'a> Series<'a> {
    pub(super) const fn of(service: &'a str) -> Self {
        Self { service }
    }

    /// Selects series by name, with further matchers such as `status=~"5.."`.
    pub(super) fn select(self, name: &str, matchers: &str) -> String {
        let service = quoted(self.service);
        let comma = if matchers.is_empty() { "" } else { "," };
        format!("{name}{{service={service},environment=\"$environment\"{comma}{matchers}}}")
    }

    /// How fast a counter counts, in one number or by labels.
    pub(super) fn rate(self, counter: &Metric, by: &[&str], matchers: &str) -> String {
        let series = self.select(&counter.name, matchers);
        format!("{}(rate({series}[$__rate_interval]))", sum(by))
    }

    /// How much a counter counted in the range that is shown.
    pub(super) fn increase(self, counter: &Metric, by: &[&str], matchers: &str) -> String {
        let series = self.select(&counter.name, matchers);
        format!("{}(increase({series}[$__range]))", sum(by))
    }

    /// The share of what some matchers select; nothing where nothing was counted.
    pub(super) fn share(self, counter: &Metric, by: &[&str], matchers: &str) -> String {
        let all = self.rate(counter, by, "");
        let some = self.rate(counter, by, matchers);
        if by.is_empty() {
            format!("({some} or vector(0)) / ({all} > 0)")
        } else {
            // Also of those that have none.
            format!("({some} or {all} * 0) / ({all} > 0)")
        }
    }

    /// A quantile of a histogram.
    pub(super) fn quantile(
        self,
        quantile: f64,
        histogram: &Metric,
        by: &[&str],
        matchers: &str,
    ) -> String {
        let by: Vec<&str> = ["le"].iter().chain(by).copied().collect();
        let series = self.select(&format!("{}_bucket", histogram.name), matchers);
        let rates = format!("{}(rate({series}[$__rate_interval]))", sum(&by));
        format!("histogram_quantile({quantile}, {rates})")
    }

    /// The observations of a histogram by bucket, for a heat map.
    pub(super) fn buckets(self, histogram: &Metric, matchers: &str) -> String {
        let series = self.select(&format!("{}_bucket", histogram.name), matchers);
        format!("sum by (le) (increase({series}[$__rate_interval]))")
    }

    /// Gauges, added up by labels.
    pub(super) fn sum(self, gauge: &Metric, by: &[&str], matchers: &str) -> String {
        format!("{}({})", sum(by), self.select(&gauge.name, matchers))
    }
}

fn sum(by: &[&str]) -> String {
    if by.is_empty() {
        "sum".to_owned()
    } else {
        format!("sum by ({}) ", by.join(", "))
    }
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('\n', "\\n"))
}

/// The names of metrics in a query: what stands before a selector's brace.
pub(super) fn names(query: &str) -> impl Iterator<Item = &str> {
    query.match_indices('{').filter_map(|(brace, _)| {
        let before = &query[..brace];
        let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
        let name = &before[before.trim_end_matches(is_name).len()..];
        (!name.is_empty()).then_some(name)
    })
}
