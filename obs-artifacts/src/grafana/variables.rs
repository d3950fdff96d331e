//! What a person chooses above the panels: environment, service, route, correlation id.

use super::model::{Choice, DataSource, Variable, VariableQuery};
use super::promql::quoted;
use crate::system::System;

/// The environments in which a service was seen, the first of the system chosen where it is there.
pub(super) fn environment(system: &System, service: Option<&str>) -> Variable {
    let of = service.map_or(String::new(), |name| {
        format!("{{service={}}}", quoted(name))
    });
    let first = system.environments.first().map(|environment| Choice {
        text: environment.name.clone(),
        value: environment.name.clone(),
    });
    Variable {
        current: first,
        ..values(
            "environment",
            "Environment",
            "Where the service runs, as the label `environment` has it.",
            format!("label_values(obs_build_info{of}, environment)"),
        )
    }
}

/// The services, all of them at first; nothing where there is only one.
pub(super) fn service(system: &System) -> Option<Variable> {
    (system.services.len() > 1).then(|| {
        any(values(
            "service",
            "Service",
            "One service, several or all.",
            "label_values(obs_build_info{environment=\"$environment\"}, service)".to_owned(),
        ))
    })
}

/// The routes that a service was asked for.
pub(super) fn route(requests: &str, service: &str) -> Variable {
    let service = quoted(service);
    any(values(
        "route",
        "Route",
        "The routes that the panels about HTTP show.",
        format!(
            "label_values({requests}{{service={service},environment=\"$environment\"}}, route)"
        ),
    ))
}

/// The levels of lines.
pub(super) fn level() -> Variable {
    let levels = "error,warn,info,debug,trace";
    any(Variable {
        datasource: None,
        query: VariableQuery::Text(levels.to_owned()),
        refresh: None,
        sort: None,
        ..values("level", "Level", "The levels of the lines.", String::new())
    })
    .of_kind("custom")
}

/// A box for a correlation id; empty for everything.
pub(super) fn correlation_id() -> Variable {
    Variable {
        datasource: None,
        query: VariableQuery::Text(String::new()),
        refresh: None,
        sort: None,
        ..values(
            "correlation_id",
            "Correlation id",
            "Lines and traces of this id alone: the `X-Correlation-ID` of a response. Empty for all.",
            String::new(),
        )
    }
    .of_kind("textbox")
}

impl Variable {
    fn of_kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }
}

fn values(
    name: &'static str,
    label: &'static str,
    description: &'static str,
    query: String,
) -> Variable {
    Variable {
        kind: "query",
        name,
        label,
        description,
        datasource: Some(DataSource::PROMETHEUS),
        query: VariableQuery::Prometheus {
            query,
            ref_id: "values",
        },
        current: None,
        multi: None,
        include_all: None,
        all_value: None,
        refresh: Some(2),
        sort: Some(1),
    }
}

/// Several values, or all at first.
fn any(variable: Variable) -> Variable {
    Variable {
        multi: Some(true),
        include_all: Some(true),
        all_value: Some(".*"),
        current: Some(Choice {
            text: "All".to_owned(),
            value: "$__all".to_owned(),
        }),
        ..variable
    }
}
