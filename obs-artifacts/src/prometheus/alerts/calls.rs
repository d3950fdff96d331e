//! Observed calls that fail: MCP tools, which answer failures with HTTP 200, and operations.

use super::{FEWEST_FAILURES, Subject};
use crate::environment::Threshold;
use crate::prometheus::alert::{
    About, Alert, Case, MILLION, below, growing, share_cases, tiers, warning,
};
use crate::prometheus::calls::{Calls, OPERATIONS, TOOLS};
use crate::prometheus::promql::{is, one_of, percentage};

/// Where work fails that nobody waits for, a warning is enough; and errors of an operation are often
/// its answer.
const OPERATION_FAILURES: Threshold = Threshold::warning(0.25);

const TOOL_FAILURES: About = About {
    name: "ToolFailuresHigh",
    meaning: "A larger share of the calls of one MCP tool failed than allowed: `error`, \
              `tool_error`, `invalid_arguments` or `panic`. Calls that were `cancelled`, and those \
              of tools that nobody knows (`client_error`), are in neither part of the share. Five \
              failures in five minutes are the least that counts. HTTP says 200 to all of them.",
    impact: "The model does without the answer, or tries again and again.",
    causes: &[
        "`error`: a dependency of the tool is down or slow.",
        "`tool_error`: the tool was asked for what is not there; perhaps rightly.",
        "`invalid_arguments`: the description or the schema of the tool misleads the model, often \
         after a change of either.",
        "`panic`: a bug; `ToolPanicked` says so too.",
    ],
    actions: &[
        "Find the outcome, then the kind of error: `mcp_tool_errors_total` has it.",
        "Read the lines of the tool's failed calls; each has the correlation id.",
        "If it is `invalid_arguments`, compare the schema with what was sent.",
    ],
};

const OPERATION_FAILURES_HIGH: About = About {
    name: "OperationFailuresHigh",
    meaning: "More than a quarter of the calls of one observed operation failed: `error` or `panic`. \
              Calls that were `cancelled` are in neither part of the share. Five failures in five \
              minutes are the least that counts.",
    impact: "What the operation is for is not done, or later. If a request waits for it, the request \
             fails too.",
    causes: &[
        "What the operation needs is down: a database, a queue, another service.",
        "Its input is refused: look at the kind of error.",
    ],
    actions: &[
        "Find the kind of error: `operation_errors_total` has it.",
        "Read the lines of the operation's failures; each has the correlation id.",
    ],
};

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let tools = subject.environment.tools;
    let all = [
        failures(
            subject,
            &TOOLS,
            &TOOL_FAILURES,
            tools,
            "mcp_tool_errors_total",
        ),
        failures(
            subject,
            &OPERATIONS,
            &OPERATION_FAILURES_HIGH,
            OPERATION_FAILURES,
            "operation_errors_total",
        ),
    ];
    let with_conditions = all.into_iter().flatten();
    with_conditions
        .filter(|alert| !alert.tiers.is_empty())
        .collect()
}

fn failures(
    subject: Subject<'_>,
    calls: &Calls,
    about: &'static About,
    threshold: Threshold,
    errors: &str,
) -> Option<Alert> {
    let family = subject.own(calls.family)?;
    let scope = subject.scope();
    let ratio = scope.select(calls.ratio, &[]);
    let failed = scope.select(calls.failures, &[]);
    let tiers = tiers(threshold, |bound| {
        let expr = format!("{ratio} > {bound}\nand\n{failed} * 300 >= {FEWEST_FAILURES}");
        let said = format!("more than {} of the calls failed", percentage(bound));
        warning(expr, "5m", said).with_bound(bound)
    });
    let what = callee(subject, calls);
    let labels = vec![(calls.label, what.clone())];
    let series = |outcomes: &[(&str, f64)]| {
        let of = |outcome: &str| {
            let matchers = [is(calls.label, &what), is("outcome", outcome)];
            scope.select(family, &[&matchers[0], &matchers[1]])
        };
        let all = outcomes.iter();
        all.map(|(outcome, many)| (of(outcome), growing(*many)))
            .collect()
    };
    let failing = |share: f64| {
        let many = (share * MILLION).round();
        // Every way to fail counts.
        let (first, others) = calls.failed.split_first().unwrap_or((&"error", &[]));
        let mut outcomes = vec![("ok", MILLION - many)];
        let part = (many / 8.0).floor();
        let mut rest = many;
        for other in others {
            outcomes.push((other, part));
            rest -= part;
        }
        outcomes.push((first, rest));
        series(&outcomes)
    };
    let mut cases = share_cases(&tiers, &labels, 15, failing);
    let cancelled = series(&[
        ("ok", 100.0),
        ("cancelled", 10_000.0),
        ("client_error", 10_000.0),
    ]);
    cases.push(Case::silent("most were cancelled", cancelled, 15));
    let all = series(&[
        ("ok", 0.0),
        (calls.failed.first().unwrap_or(&"error"), MILLION),
    ]);
    let fires = below(&tiers, 1.0, &labels, "100%");
    cases.push(Case::at("all fail", all, 15, fires));
    let few = vec![(
        series(&[("error", 0.0)])
            .into_iter()
            .map(|(series, _)| series)
            .collect::<String>(),
        "0+0x10 1+0x20".to_owned(),
    )];
    cases.push(Case::silent("one call, which failed", few, 12).and_at(20, Vec::new()));
    let name = subject.name();
    let outcomes = scope.select(family, &[&one_of("outcome", calls.failed)]);
    let label = calls.label;
    let mut look = vec![(
        "Which outcomes:",
        format!("sum by ({label}, outcome) (rate({outcomes}[5m])) > 0"),
    )];
    if let Some(errors) = subject.own(errors) {
        let errors = scope.select(errors, &[]);
        look.push((
            "Which errors:",
            format!("topk(10, sum by ({label}, error) (rate({errors}[5m])))"),
        ));
    }
    Some(Alert {
        about,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("The {label} {{{{ $labels.{label} }}}} of {name} fails"),
        description:
            "{{ $value | humanizePercentage }} of its calls in the last five minutes failed."
                .to_owned(),
        look,
        cases,
        tiers,
    })
}

/// Something that can be called.
pub(super) fn callee(subject: Subject<'_>, calls: &Calls) -> String {
    let family = subject.service.catalogue.own(calls.family);
    let label = family.and_then(|family| family.label(calls.label));
    let first = label.and_then(|label| label.values.first());
    first.map_or_else(|| calls.label.to_owned(), Clone::clone)
}
