//! Each `PrometheusRule`: a rule file of `deploy/prometheus/rules` in an object.

use super::super::host;
use super::FOLDER;
use crate::files::Files;
use crate::system::System;

const RULES: &str = "deploy/prometheus/rules/";

/// Adds them, and returns the names of the files.
pub(super) fn render(system: &System, files: &mut Files) -> Vec<String> {
    let found = files.iter().filter_map(|(path, text)| {
        let name = path.strip_prefix(RULES)?.strip_suffix(".yml")?;
        Some((name.to_owned(), object(system, name, text)))
    });
    let objects: Vec<(String, String)> = found.collect();
    let mut names = Vec::new();
    for (name, object) in objects {
        let file = format!("rules-{}.yaml", host(&name));
        files.add(format!("{FOLDER}/{file}"), object);
        names.push(file);
    }
    names
}

/// The file itself, further to the right: it cannot come to say anything else.
fn object(system: &System, name: &str, rules: &str) -> String {
    let spec: String = rules
        .lines()
        .map(|line| match line {
            "" => "\n".to_owned(),
            line => format!("  {line}\n"),
        })
        .collect();
    let (system_name, name) = (host(&system.name), host(name));
    format!(
        "# {notice}\n\
         apiVersion: monitoring.coreos.com/v1\n\
         kind: PrometheusRule\n\
         metadata:\n  \
           name: {system_name}-{name}\n  \
           labels:\n    \
             app.kubernetes.io/part-of: {system_name}\n\
         spec:\n\
         {spec}",
        notice = system.notice()
    )
}
