//! What compose, Kubernetes and a shell would refuse, or misread, of what a system says about its
//! services.

use std::collections::BTreeMap;

use super::{compose, host};
use crate::problem::Problem;
use crate::system::{Service, System};

/// Names of files beside those of the services, in `deploy/kubernetes`.
const OBJECTS: [&str; 3] = ["kustomization", "namespace", "servicemonitors"];

pub(crate) fn system(system: &System, problems: &mut Vec<Problem>) {
    for (what, text) in [
        ("the image", &system.image),
        ("the program", &system.program),
    ] {
        word(what, text, problems);
    }
    runbooks(&system.runbooks, problems);
    command(&system.command, problems);
    hosts(system, problems);
    for service in &system.services {
        port(service, problems);
        data(service, problems);
    }
}

fn word(what: &str, text: &str, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return;
    }
    problems.push(Problem {
        what: format!("{what} is {text:?}"),
        why: "it becomes part of commands and of YAML, which would read it as something else",
        fix: "write letters, digits, and `.`, `_`, `-`, `/`, `:`, `@` only".to_owned(),
    });
}

/// Prometheus expands templates in annotations, and the address stands in one.
fn runbooks(address: &str, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_graphic() && !"{}\"'<>\\".contains(c);
    if address.chars().all(plain) {
        return;
    }
    problems.push(Problem {
        what: format!("the address of the runbooks is {address:?}"),
        why: "it becomes a link of every alert, and Prometheus reads braces as a template",
        fix: "write an address: `.runbooks(\"https://git.example.com/shop/docs/runbooks\")`"
            .to_owned(),
    });
}

/// It is in a comment of every file.
fn command(command: &str, problems: &mut Vec<Problem>) {
    if !command.contains(char::is_control) && !command.contains("-->") {
        return;
    }
    problems.push(Problem {
        what: format!("the command that makes the files is {command:?}"),
        why: "it stands in a comment of every file, which it would end",
        fix: "write it on one line: `.made_by(\"cargo run -- artifacts\")`".to_owned(),
    });
}

/// A service has a host of its own in compose, and a file and objects of that name in Kubernetes.
fn hosts(system: &System, problems: &mut Vec<Problem>) {
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for service in &system.services {
        let (name, host) = (service.name(), host(service.name()));
        let is_taken = compose::NEIGHBOURS.contains(&&*host)
            || OBJECTS.contains(&&*host)
            || host.starts_with("rules-");
        if is_taken {
            problems.push(Problem {
                what: format!("the service `{name}` is called `{host}` in compose and Kubernetes"),
                why: "that is the name of a container or a file of the stack around it",
                fix: format!(
                    "give it another name, such as `{}-{host}`",
                    self::host(&system.name)
                ),
            });
        }
        // Those with the very same name are somebody else's matter.
        if let Some(other) = known.insert(host.clone(), name).filter(|it| *it != name) {
            problems.push(Problem {
                what: format!("the services `{other}` and `{name}` are both called `{host}` in compose and Kubernetes"),
                why: "a host has small letters, digits and `-` only, so one would take the place of the other",
                fix: "give one of them a name that differs in more than that".to_owned(),
            });
        }
    }
}

fn port(service: &Service, problems: &mut Vec<Problem>) {
    if service.port > 0 {
        return;
    }
    problems.push(Problem {
        what: format!("the port of the service `{}` is 0", service.name()),
        why: "nobody can be told where to reach it",
        fix: "write the port that it listens on: `.port(8080)`".to_owned(),
    });
}

fn data(service: &Service, problems: &mut Vec<Problem>) {
    let Some(folder) = &service.data else { return };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if folder.len() > 1 && folder.starts_with('/') && folder.chars().all(plain) {
        return;
    }
    problems.push(Problem {
        what: format!(
            "the service `{}` keeps its data in {folder:?}",
            service.name()
        ),
        why: "a volume is mounted at an absolute path of the container, below its root",
        fix: "write one: `.data(\"/data\")`".to_owned(),
    });
}
