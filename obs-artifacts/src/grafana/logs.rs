//! The logs dashboard of a system: what its services wrote, above all of errors, and everything
//! about one correlation id.

use super::layout::{Row, place};
use super::logql::{self, Lines};
use super::model::{
    Columns, Dashboard, DataLink, Override, Panel, Property, Target, Transformation,
};
use super::panels::{BAD, DOUBTFUL, GOOD, PLAIN};
use super::{links, unit, variables};
use crate::system::System;

/// The fields of a line that a person looks at first.
const FIELDS: &[&str] = &[
    "service_name",
    "level",
    "message",
    "method",
    "route",
    "status",
    "duration_ms",
    "error",
    "correlation_id",
];

/// Makes the dashboard.
pub(super) fn dashboard(system: &System) -> Dashboard {
    let name = &system.name;
    let mut dashboard = Dashboard::new(
        links::uid(name, "logs"),
        format!("{name}: logs"),
        format!("What the services of {name} log. {}", system.notice()),
    );
    dashboard.tags = links::tags(system, false);
    dashboard.links = vec![links::metrics(system), links::traces(system, None)];
    let mut chosen = vec![variables::environment(system, None)];
    chosen.extend(variables::service(system));
    chosen.extend([variables::level(), variables::correlation_id()]);
    dashboard.templating.list = chosen;
    let lines = Lines::chosen(system);
    dashboard.panels = place(vec![
        overview(&lines),
        volume(&lines),
        errors(&lines),
        requests(system, &lines),
        recent(&lines),
    ]);
    dashboard
}

fn overview(lines: &Lines) -> Row {
    let all = lines.select();
    let errors = lines.of_levels("error");
    let completed = format!("{all} |= \"request_completed\"");
    let number = |query: String| format!("sum(count_over_time({query} [$__range]))");
    let affected = "The different `user_id` of lines about requests, jobs and tool calls that \
                    failed.";
    let panels = [
        Panel::stat("Lines", "Lines in this range.", unit::NUMBER)
            .ask(Target::loki(number(all), "lines").instant()),
        Panel::stat(
            "Errors",
            "Lines of level ERROR in this range.",
            unit::NUMBER,
        )
        .doubtful_from(Some(1.0), None)
        .nothing("0")
        .ask(Target::loki(number(errors), "errors").instant()),
        Panel::stat(
            "Requests logged",
            "Lines about requests that ended. Those of successful reads are sampled.",
            unit::NUMBER,
        )
        .ask(Target::loki(number(completed), "requests").instant()),
        Panel::stat("Affected users", affected, unit::NUMBER)
            .doubtful_from(Some(1.0), None)
            .nothing("0")
            .ask(Target::loki(logql::affected_users(lines), "users").instant()),
    ];
    Row::new("Overview", panels)
}

fn volume(lines: &Lines) -> Row {
    let chosen = lines.of_levels("$level");
    let by = |label: &str| format!("sum by ({label}) (count_over_time({chosen} [$__auto]))");
    let panels = [
        Panel::time_series(
            "Log volume by level",
            "How many lines there were.",
            unit::NUMBER,
        )
        .stacked_bars()
        .color("(?i)error", BAD)
        .color("(?i)warn", DOUBTFUL)
        .color("(?i)info", GOOD)
        .color("(?i)debug|trace", PLAIN)
        .wide(12)
        .ask(Target::loki(by("level"), "{{level}}")),
        Panel::time_series(
            "Log volume by service",
            "How many lines there were.",
            unit::NUMBER,
        )
        .stacked_bars()
        .wide(12)
        .ask(Target::loki(by("service_name"), "{{service_name}}")),
    ];
    Row::new("Volume", panels)
}

fn errors(lines: &Lines) -> Row {
    let errors = lines.of_levels("error");
    let troubles = lines.of_levels("error|warn");
    let by_service = |range: &str| format!("sum by (service_name) (rate({errors} [{range}]))");
    let spikes = "Errors of the last five minutes against those of the last hour: 1 is as always, \
                  12 is an hour without any before.";
    let messages = format!(
        "topk(20, sum by (service_name, level, message) (count_over_time({troubles} | json [$__range])))"
    );
    let codes = format!(
        "topk(20, sum by (service_name, error_code, route) \
         (count_over_time({} | json | error_code!=\"\" [$__range])))",
        lines.select()
    );
    let users = format!(
        "topk(20, sum by (user_id, service_name) (count_over_time({} [$__range])))",
        lines.of_failed_users()
    );
    let panels = [
        Panel::time_series("Errors", "Lines of level ERROR, by service.", unit::NUMBER)
            .stacked_bars()
            .nothing("none")
            .wide(12)
            .ask(Target::loki(
                format!("sum by (service_name) (count_over_time({errors} [$__auto]))"),
                "{{service_name}}",
            )),
        Panel::time_series("Error spikes", spikes, unit::NUMBER)
            .line_at(3.0)
            .nothing("none")
            .wide(12)
            .ask(Target::loki(
                format!("{} / {}", by_service("5m"), by_service("1h")),
                "{{service_name}}",
            )),
        table(
            "Top messages of errors and warnings",
            "Which messages there were most of.",
            messages,
        )
        .transformed(Transformation::columns(&[
            ("service_name", "Service"),
            ("level", "Level"),
            ("message", "Message"),
            ("Value #A", "Lines"),
        ])),
        table(
            "Top error codes",
            "Which errors requests and jobs ended with most.",
            codes,
        )
        .transformed(Transformation::columns(&[
            ("service_name", "Service"),
            ("route", "Route"),
            ("error_code", "Error code"),
            ("Value #A", "Lines"),
        ])),
        table(
            "Users with failures",
            "Whose requests, jobs and tool calls failed most.",
            users,
        )
        .transformed(Transformation::columns(&[
            ("user_id", "User"),
            ("service_name", "Service"),
            ("Value #A", "Lines"),
        ])),
    ];
    Row::new("Errors", panels)
}

fn table(title: &str, description: &str, query: String) -> Panel {
    Panel::table(title, description, unit::NUMBER, Some("Lines"))
        .nothing("none")
        .ask(Target::loki(query, "").instant())
}

fn requests(system: &System, lines: &Lines) -> Row {
    let query = format!(
        "{} |= \"request_completed\" | json | message=\"request_completed\"",
        lines.select()
    );
    let columns = [
        ("Time", "Time"),
        ("service_name", "Service"),
        ("method", "Method"),
        ("route", "Route"),
        ("status", "Status"),
        ("duration_ms", "Milliseconds"),
        ("request_id", "Request id"),
        ("correlation_id", "Correlation id"),
    ];
    let to_lines = DataLink {
        title: "All lines of this correlation id",
        url: links::lines_of(system, "${__value.raw}"),
    };
    let panel = Panel::table(
        "Requests and their ids",
        "The newest requests that were logged; the correlation id leads to all lines about it.",
        unit::TEXT,
        None,
    )
    .wide(24)
    .ask(Target::loki(query, "").lines(200))
    .transformed(Transformation::ExtractFields {
        source: "labels",
        format: "json",
        replace: true,
        keep_time: true,
    })
    .transformed(Transformation::Keep {
        include: Columns {
            names: columns.iter().map(|(name, _)| *name).collect(),
        },
    })
    .transformed(Transformation::columns(&columns))
    .overridden(Override::name(
        "Correlation id",
        [Property::Links(vec![to_lines]), Property::Width(300)],
    ));
    Row::new("Requests", [panel])
}

fn recent(lines: &Lines) -> Row {
    let query = format!("{} | json", lines.of_levels("$level"));
    let description = "The newest lines; with a correlation id in the box above, all that happened \
                       under it, in every service that is chosen.";
    Row::new(
        "Lines",
        [
            Panel::logs("Recent lines", description, FIELDS)
                .ask(Target::loki(query, "").lines(500)),
        ],
    )
}
