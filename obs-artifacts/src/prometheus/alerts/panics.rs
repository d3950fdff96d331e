//! Panics: each is a bug, wherever it was caught.

use super::Subject;
use super::calls::callee;
use crate::prometheus::alert::{About, Alert, Case, Firing, page_and_warning, warning};
use crate::prometheus::calls::{OPERATIONS, TOOLS};
use crate::prometheus::promql::{BY, is};

/// One panic is read the next day; so many in five minutes call somebody.
const MANY: u32 = 5;

const ACTIONS: &[&str] = &[
    "Read the panic's line in the log: `panic.location` names the place in the source, and Sentry has the stack.",
    "Take its correlation id, and see what was sent.",
    "If it began with a release, go back to the one before.",
    "Fix it; a panic is never an answer to bad input.",
];

const CAUSES: &[&str] = &[
    "An `unwrap`, an index or an arithmetic overflow that meets an input nobody thought of.",
    "A release with a fault: compare with the last change of `obs_build_info`.",
];

const TOOL: About = About {
    name: "ToolPanicked",
    meaning: "An MCP tool panicked. `obs` answered the call with JSON-RPC -32603, and the process \
              lives. A warning is one panic, a page five in five minutes.",
    impact: "Each of these calls failed, and half of what it did may be done.",
    causes: CAUSES,
    actions: ACTIONS,
};

const OPERATION: About = About {
    name: "OperationPanicked",
    meaning: "An observed operation panicked. A warning is one panic, a page five in five minutes.",
    impact: "What the operation is for was not done, or half done. A task of its own has ended: what \
             it did in a loop is done no more, unless somebody starts it again.",
    causes: CAUSES,
    actions: ACTIONS,
};

const HANDLER: About = About {
    name: "HttpHandlerPanicked",
    meaning: "An HTTP handler panicked. `obs` answered the request with 500, and the process lives. \
              A warning is one panic, a page five in five minutes.",
    impact: "Each of these requests failed, and half of what it did may be done.",
    causes: CAUSES,
    actions: ACTIONS,
};

pub(super) fn alerts(subject: Subject<'_>) -> Vec<Alert> {
    let panicked = is("outcome", "panic");
    let all = [
        subject.own(TOOLS.family).map(|family| {
            let callee = (TOOLS.label, callee(subject, &TOOLS));
            panics(subject, &TOOL, family, &panicked, Some(&callee))
        }),
        subject.own(OPERATIONS.family).map(|family| {
            let callee = (OPERATIONS.label, callee(subject, &OPERATIONS));
            panics(subject, &OPERATION, family, &panicked, Some(&callee))
        }),
        subject.own("http_exceptions_total").map(|family| {
            let panicked = is("exception_type", "panic");
            panics(subject, &HANDLER, family, &panicked, None)
        }),
    ];
    all.into_iter().flatten().collect()
}

fn panics(
    subject: Subject<'_>,
    about: &'static About,
    family: &str,
    panicked: &str,
    callee: Option<&(&'static str, String)>,
) -> Alert {
    let scope = subject.scope();
    let selected = scope.select(family, &[panicked]);
    let by = callee
        .as_ref()
        .map_or_else(|| BY.to_owned(), |(label, _)| format!("{BY}, {label}"));
    let panics = format!("sum by ({by}) (increase({selected}[5m]))");
    let tiers = page_and_warning(
        subject.environment,
        // Half of one below, because an increase is an estimate.
        warning(
            format!("{panics} > {}", f64::from(MANY) - 0.5),
            "",
            format!("{MANY} panics or more in 5 minutes"),
        ),
        warning(format!("{panics} > 0"), "", "any panic in 5 minutes"),
    );
    let labels: Vec<(&'static str, String)> = callee.cloned().into_iter().collect();
    let firing = |which: &[usize], value: &str| {
        let all = which.iter().map(|tier| Firing {
            tier: *tier,
            labels: labels.clone(),
            value: value.to_owned(),
        });
        all.collect()
    };
    let series = {
        let of = callee.map(|(label, value)| is(label, value));
        let mut matchers = vec![panicked];
        matchers.extend(of.as_deref());
        scope.select(family, &matchers)
    };
    let values = |values: &str| vec![(series.clone(), values.to_owned())];
    // The warning is the last of one or two.
    let last = tiers.len() - 1;
    let all: Vec<usize> = (0..tiers.len()).collect();
    let name = subject.name();
    let whose = callee.map_or_else(
        || format!("A handler of {name}"),
        |(label, _)| format!("The {label} {{{{ $labels.{label} }}}} of {name}"),
    );
    Alert {
        about,
        service: name.to_owned(),
        labels: Vec::new(),
        summary: format!("{whose} panicked"),
        description: "{{ $value | printf \"%.0f\" }} panic(s) in the last five minutes.".to_owned(),
        look: vec![(
            "Where and how often:",
            format!("sum by ({by}) (increase({selected}[1h])) > 0"),
        )],
        cases: vec![
            Case::silent("one panic", values("0+0x10 1+0x20"), 10)
                .and_at(12, firing(&[last], "1"))
                .and_at(20, Vec::new()),
            Case::at(
                "four panics",
                values("0+0x10 4+0x20"),
                12,
                firing(&[last], "4"),
            ),
            Case::at(
                "five panics",
                values("0+0x10 5+0x20"),
                12,
                firing(&all, "5"),
            ),
            Case::silent("panics of yesterday", values("5+0x30"), 12),
        ],
        tiers,
    }
}
