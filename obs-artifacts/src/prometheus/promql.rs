//! Spelling of `PromQL`, and of what Prometheus makes of numbers in annotations.

use std::fmt::Write as _;

use crate::environment::Environment;
use crate::system::Service;

/// The labels that everything is aggregated to.
pub(crate) const BY: &str = "service, environment";

/// Whose series a query selects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    service: &'a str,
    environment: Option<&'a str>,
}

impl<'a> Scope<'a> {
    /// A service in all of its environments.
    pub(crate) fn service(service: &'a Service) -> Self {
        Self {
            service: service.name(),
            environment: None,
        }
    }

    /// A service in one environment.
    pub(crate) fn environment(service: &'a Service, environment: &'a Environment) -> Self {
        Self {
            service: service.name(),
            environment: Some(&environment.name),
        }
    }

    /// Selects series of a family by further matchers, such as `status=~"5.."`.
    pub(crate) fn select(&self, family: &str, matchers: &[&str]) -> String {
        let mut all = vec![format!("service={}", quoted(self.service))];
        all.push(match self.environment {
            Some(environment) => format!("environment={}", quoted(environment)),
            None => "environment!=\"\"".to_owned(),
        });
        all.extend(matchers.iter().map(|&it| it.to_owned()));
        format!("{family}{{{}}}", all.join(","))
    }
}

/// A text as a string of `PromQL`.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A text that stays as it is where Prometheus fills in templates: in annotations, and in the labels
/// of alerts.
pub(crate) fn literal(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

/// A matcher of one label.
pub(crate) fn is(label: &str, value: &str) -> String {
    format!("{label}={}", quoted(value))
}

/// A matcher of one label by several values, none of which has a character that regular expressions
/// know.
pub(crate) fn one_of(label: &str, values: &[&str]) -> String {
    format!("{label}=~\"{}\"", values.join("|"))
}

/// The bound of a bucket as it stands in `le` on every page of `obs`, and as Prometheus itself spells
/// it: `1.0`, never `1`, and `1e+06` from a million on. Any other spelling would select nothing.
pub(crate) fn le(bound: f64) -> String {
    let scientific = format!("{bound:e}");
    let power = scientific.split_once('e').map(|(_, power)| power.parse());
    match power {
        Some(Ok(-4_i32..=5)) | None => format!("{bound:?}"),
        Some(_) => exponent(&scientific),
    }
}

fn exponent(text: &str) -> String {
    let Some((digits, exponent)) = text.split_once('e') else {
        return text.to_owned();
    };
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ("-", exponent),
        None => ("+", exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// A share as `humanizePercentage` spells it: with four significant digits.
pub(crate) fn percentage(share: f64) -> String {
    let mut text = four_digits(share * 100.0);
    text.push('%');
    text
}

/// A number as `%.4g` spells it, where it needs no exponent.
fn four_digits(value: f64) -> String {
    let shortest = format!("{value:.3e}");
    let exponent: i32 = shortest
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0);
    let decimals = usize::try_from(3 - exponent).unwrap_or(0);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{value:.decimals$}");
    if text.contains('.') {
        let end = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{le, percentage, quoted};

    #[test]
    fn a_bound_is_spelled_as_the_page_spells_it() {
        for (bound, text) in [
            (1.0, "1.0"),
            (0.75, "0.75"),
            (300.0, "300.0"),
            (0.0001, "0.0001"),
            (0.000_05, "5e-05"),
            (0.000_002_5, "2.5e-06"),
            (0.000_000_000_1, "1e-10"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_048_576.0, "1.048576e+06"),
            (10_000_000_000.0, "1e+10"),
        ] {
            assert_eq!(le(bound), text);
        }
    }

    #[test]
    fn a_share_is_spelled_as_prometheus_spells_it() {
        for (share, text) in [
            (0.0102, "1.02%"),
            (1.0, "100%"),
            (0.001, "0.1%"),
            (60.0 / 95.0, "63.16%"),
            (0.003_366, "0.3366%"),
            (0.999_99, "100%"),
        ] {
            assert_eq!(percentage(share), text);
        }
    }

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }
}
