//! `deploy/alertmanager/alertmanager.yml`: pages to a channel of Slack, warnings to an e-mail alias,
//! and no warning about what somebody was called for already.
//!
//! An Alertmanager reads no variables, but files. These must be there, under
//! `/etc/alertmanager/secrets`:
//!
//! | file | what is in it |
//! |---|---|
//! | `slack-url` | the address of the incoming webhook, and nothing else: no line feed |
//! | `receivers.tmpl` | three templates: `{{ define "page.channel" }}#alerts{{ end }}`, `{{ define "warning.to" }}team@example.com{{ end }}`, `{{ define "mail.from" }}alertmanager@example.com{{ end }}` |
//! | `smtp-password` | only with [`System::mail_user`](crate::System::mail_user) |
//!
//! For compose `deploy/secrets.sh` makes them of the variables `SLACK_WEBHOOK_URL`, `SLACK_CHANNEL`,
//! `ALERT_EMAIL_TO`, `ALERT_EMAIL_FROM` and `SMTP_PASSWORD`; on Kubernetes they are the keys of a
//! Secret.
//!
//! An alert whose severity is neither of the two, which none of ours is, goes to the alias too: it
//! must not be lost. Warnings of environments where nobody is called go there as well; who does not
//! want to read them runs no Alertmanager there.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::files::Files;
use crate::system::System;
use crate::yaml;

const SECRETS: &str = "/etc/alertmanager/secrets";
const PAGE: &str = "page-slack";
const WARNING: &str = "warning-email";
const DEFAULT: &str = "default";

#[derive(Serialize)]
struct Config {
    global: Global,
    templates: Vec<String>,
    route: Route,
    inhibit_rules: Vec<Inhibit>,
    receivers: Vec<Receiver>,
}

#[derive(Serialize)]
struct Global {
    resolve_timeout: &'static str,
    smtp_smarthost: String,
    smtp_from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_auth_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_auth_password_file: Option<String>,
    slack_api_url_file: String,
}

#[derive(Serialize)]
struct Route {
    receiver: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    matchers: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    group_by: Vec<&'static str>,
    group_wait: &'static str,
    group_interval: &'static str,
    repeat_interval: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Self>,
}

#[derive(Serialize)]
struct Inhibit {
    source_matchers: Vec<&'static str>,
    target_matchers: Vec<&'static str>,
    equal: Vec<&'static str>,
}

#[derive(Serialize)]
struct Receiver {
    name: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slack_configs: Vec<Slack>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    email_configs: Vec<Email>,
}

#[derive(Serialize)]
struct Slack {
    channel: &'static str,
    send_resolved: bool,
    title: &'static str,
    text: &'static str,
}

#[derive(Serialize)]
struct Email {
    to: &'static str,
    send_resolved: bool,
    headers: BTreeMap<&'static str, &'static str>,
}

const TITLE: &str = "[{{ .Status | toUpper }}] {{ .CommonLabels.environment }} \
                     {{ .CommonLabels.service }}: {{ .Alerts.Firing | len }} firing";

/// What still fires comes first; what has ended is only named, because a message has both.
const TEXT: &str = "{{ range .Alerts.Firing }}*{{ .Labels.alertname }}* {{ .Annotations.summary }}\n\
                    {{ .Annotations.description }}\n{{ .Annotations.runbook_url }}\n{{ end }}\
                    {{ range .Alerts.Resolved }}Resolved: *{{ .Labels.alertname }}* \
                    {{ .Annotations.summary }}\n{{ end }}";

/// A page and a warning with the same of these are about the same thing. A label that neither has
/// is the same on both. `instance` and `window` are not among them: a page about all processes, or
/// about an hour, says what a warning about one of them, or about a day, would.
pub(super) const SAME_THING: [&str; 8] = [
    "alertname",
    "environment",
    "service",
    "check",
    "operation",
    "pool",
    "slo",
    "tool",
];

pub(super) fn render(system: &System, files: &mut Files) {
    let config = Config {
        global: Global {
            resolve_timeout: "5m",
            smtp_smarthost: system.mail_relay.clone(),
            smtp_from: r#"{{ template "mail.from" . }}"#,
            smtp_auth_username: system.mail_user.clone(),
            smtp_auth_password_file: system
                .mail_user
                .as_ref()
                .map(|_| format!("{SECRETS}/smtp-password")),
            slack_api_url_file: format!("{SECRETS}/slack-url"),
        },
        templates: vec![format!("{SECRETS}/*.tmpl")],
        route: route(),
        inhibit_rules: vec![Inhibit {
            source_matchers: vec!["severity=\"page\""],
            target_matchers: vec!["severity=\"warning\""],
            equal: SAME_THING.to_vec(),
        }],
        receivers: receivers(),
    };
    let notice = format!(
        "{}\nReads secrets and receivers from files below {SECRETS}.",
        system.notice()
    );
    files.add(
        "deploy/alertmanager/alertmanager.yml",
        yaml::document(&notice, &config),
    );
}

/// One message about a service in an environment, whatever fires there.
fn route() -> Route {
    let to = |receiver, severity| Route {
        receiver,
        matchers: vec![severity],
        group_by: Vec::new(),
        group_wait: "10s",
        group_interval: "5m",
        repeat_interval: "1h",
        routes: Vec::new(),
    };
    Route {
        receiver: DEFAULT,
        matchers: Vec::new(),
        group_by: vec!["environment", "service"],
        group_wait: "30s",
        group_interval: "5m",
        repeat_interval: "12h",
        routes: vec![
            to(PAGE, "severity=\"page\""),
            Route {
                // A page that comes with its warning has the time to silence it.
                group_wait: "1m",
                repeat_interval: "24h",
                ..to(WARNING, "severity=\"warning\"")
            },
        ],
    }
}

fn receivers() -> Vec<Receiver> {
    let email = || Email {
        to: r#"{{ template "warning.to" . }}"#,
        send_resolved: true,
        headers: BTreeMap::from([("Subject", TITLE)]),
    };
    vec![
        Receiver {
            name: DEFAULT,
            slack_configs: Vec::new(),
            email_configs: vec![email()],
        },
        Receiver {
            name: PAGE,
            slack_configs: vec![Slack {
                channel: r#"{{ template "page.channel" . }}"#,
                send_resolved: true,
                title: TITLE,
                text: TEXT,
            }],
            email_configs: Vec::new(),
        },
        Receiver {
            name: WARNING,
            slack_configs: Vec::new(),
            email_configs: vec![email()],
        },
    ]
}
