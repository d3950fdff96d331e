//! `docs/metrics.md`: every metric, for people.

mod conventions;
mod entry;
mod group;
mod headings;
mod markdown;
mod renames;

#[cfg(test)]
mod tests;

use std::fmt::Write;

use crate::catalogue::{Catalogue, Metric};
use crate::files::Files;
use crate::problem::Problem;
use crate::system::System;
use group::Group;
use headings::Headings;
use markdown::{Table, code};

const PAGE: &str = "docs/metrics.md";

/// What the words of the tables mean.
const LEGEND: &str = "\
A *combination* is one distinct set of label values; a *series* is one line of the scrape: a
histogram has its buckets and three more for each combination. Both are the most that there can be.
A label whose values are listed can have no others, whatever a peer sends.
";

pub(crate) fn render(system: &System, files: &mut Files, problems: &mut Vec<Problem>) {
    let mut page = Page {
        text: format!("<!-- {} -->\n\n", system.notice()),
        headings: Headings::default(),
    };
    page.heading(1, "Metrics");
    page.text.push_str(LEGEND);
    page.overview(system);
    for service in &system.services {
        page.service(&service.catalogue);
    }
    renames::render(system, &mut page, problems);
    conventions::render(system, &mut page);
    files.add(PAGE, page.text);
}

/// The page while it is written.
struct Page {
    text: String,
    headings: Headings,
}

impl Page {
    fn heading(&mut self, level: usize, text: &str) {
        self.headings.slug(text);
        let separator = if self.text.ends_with("\n\n") {
            ""
        } else {
            "\n"
        };
        write!(self.text, "{separator}{} {text}\n\n", "#".repeat(level)).ok();
    }

    /// The services, with what there is of each.
    fn overview(&mut self, system: &System) {
        let mut table = Table::new(["service", "metrics", "declared", "combinations", "series"]);
        // The headings of the services come in this order, and nothing before them has their names.
        for service in &system.services {
            let catalogue = &service.catalogue;
            let slug = headings::slug(&catalogue.service);
            table.row([
                format!("[{}](#{slug})", markdown::cell(&catalogue.service)),
                catalogue.metrics.len().to_string(),
                catalogue.declared().count().to_string(),
                sum(catalogue.metrics.iter().map(|it| it.combinations)),
                sum(catalogue.metrics.iter().map(|it| it.series)),
            ]);
        }
        write!(self.text, "\n{table}").ok();
        let names = [
            (renames::TITLE, !system.renames.is_empty()),
            (conventions::TITLE, true),
        ];
        let further: Vec<String> = names
            .iter()
            .filter(|(_, is_there)| *is_there)
            .map(|(title, _)| format!("[{title}](#{})", headings::slug(title)))
            .collect();
        writeln!(self.text, "\nAnd: {}.", further.join(" · ")).ok();
    }

    fn service(&mut self, catalogue: &Catalogue) {
        self.heading(2, &catalogue.service);
        for block in &catalogue.blocks {
            writeln!(
                self.text,
                "The `metrics!` block {} needs {} of its {} series.\n",
                code(&block.registry),
                block.series,
                block.budget
            )
            .ok();
        }
        let groups: Vec<(Group, Vec<&Metric>)> = Group::ALL
            .into_iter()
            .map(|group| (group, group.metrics(catalogue)))
            .filter(|(_, metrics)| !metrics.is_empty())
            .collect();
        let contents = self.contents(&groups);
        self.text.push_str(&contents);
        for (group, metrics) in groups {
            self.heading(3, group.title());
            writeln!(self.text, "{}", group.about()).ok();
            for metric in metrics {
                self.heading(4, &format!("`{}`", metric.name));
                entry::write(metric, group, &mut self.text);
            }
        }
    }

    /// A table of a service's metrics, each linked to where it is described.
    fn contents(&self, groups: &[(Group, Vec<&Metric>)]) -> String {
        // The slugs that the headings will have, in the order that they will come in.
        let mut ahead = self.headings.clone();
        let mut table = Table::new(["metric", "type", "labels", "combinations", "series"]);
        for (group, metrics) in groups {
            let slug = ahead.slug(group.title());
            table.row([format!("**[{}](#{slug})**", group.title())]);
            for metric in metrics {
                let slug = ahead.slug(&metric.name);
                let labels: Vec<String> = metric.labels.iter().map(|it| code(&it.name)).collect();
                table.row([
                    format!("[{}](#{slug})", code(&metric.name)),
                    metric.kind.name().to_owned(),
                    labels.join(", "),
                    metric.combinations.to_string(),
                    metric.series.to_string(),
                ]);
            }
        }
        table.to_string()
    }
}

fn sum(numbers: impl Iterator<Item = usize>) -> String {
    let sum = numbers.fold(0_usize, usize::saturating_add);
    sum.to_string()
}
