//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::harness::{Role, Row, THREADS, medians};
use crate::options::Options;

/// One line of a table.
struct Line {
    role: Role,
    name: &'static str,
    values: Vec<f64>,
}

/// A group of ways to do the same job.
pub(crate) struct Table {
    title: &'static str,
    /// What the values are, and how many digits of them mean something.
    columns: Vec<String>,
    /// Whether `--check` looks at it.
    checked: bool,
    /// The share of what a peer adds to a mark that obs may add to it.
    share: Option<(f64, &'static str)>,
    lines: Vec<Line>,
}

impl Table {
    /// Times rows on each number of threads.
    pub(crate) fn of_rows(title: &'static str, options: &Options, rows: &[Row]) -> Self {
        eprintln!("{title} …");
        let lines = rows
            .iter()
            .zip(medians(options, rows))
            .map(|(row, values)| Line {
                role: row.role,
                name: row.name,
                values: values.to_vec(),
            })
            .collect();
        let columns = THREADS.map(|threads| match threads {
            1 => "ns, 1 thread".to_owned(),
            n => format!("ns, {n} threads"),
        });
        Self {
            title,
            columns: columns.to_vec(),
            checked: true,
            share: None,
            lines,
        }
    }

    /// Puts together times that were taken elsewhere; `--check` leaves them alone.
    pub(crate) fn of_times(
        title: &'static str,
        column: &str,
        times: impl Iterator<Item = (Role, &'static str, f64)>,
    ) -> Self {
        let lines = times
            .map(|(role, name, value)| Line {
                role,
                name,
                values: vec![value],
            })
            .collect();
        Self {
            title,
            columns: vec![column.to_owned()],
            checked: false,
            share: None,
            lines,
        }
    }

    /// Lets obs add at most a share of what each peer adds to a mark.
    pub(crate) fn adding_at_most(mut self, share: f64, mark: &'static str) -> Self {
        self.share = Some((share, mark));
        self
    }

    /// Returns what must not be above what: the values themselves, or what they add to the mark.
    fn compared(&self, theirs: f64, ours: f64, column: usize) -> (f64, f64) {
        let Some((share, mark)) = self.share else {
            return (theirs, ours);
        };
        let mark = self.lines.iter().find(|line| line.name == mark);
        let mark = mark.map_or(0.0, |line| line.values[column]);
        ((theirs - mark) * share, ours - mark)
    }

    /// Names the peers that are ahead of any line of ours, with both values.
    pub(crate) fn ahead(&self) -> Vec<String> {
        let mut ahead = Vec::new();
        if !self.checked {
            return ahead;
        }
        let of = |role| self.lines.iter().filter(move |line| line.role == role);
        for peer in of(Role::Peer) {
            for obs in of(Role::Obs) {
                for (at, column) in self.columns.iter().enumerate() {
                    let (theirs, ours) = self.compared(peer.values[at], obs.values[at], at);
                    if theirs < ours {
                        ahead.push(format!(
                            "{}: {} {theirs:.1} against {} {ours:.1} ({column})",
                            self.title, peer.name, obs.name
                        ));
                    }
                }
            }
        }
        ahead
    }

    fn write(&self, page: &mut String) {
        let _ = write!(page, "\n## {}\n\n| way |", self.title);
        for column in &self.columns {
            let _ = write!(page, " {column} | ratio to obs |");
        }
        let _ = write!(page, "\n|---|{}\n", "--:|--:|".repeat(self.columns.len()));
        let base = self.lines.iter().find(|line| line.role == Role::Obs);
        for line in &self.lines {
            let _ = write!(page, "| {} |", line.name);
            for (column, value) in line.values.iter().enumerate() {
                let ratio = base.map_or(f64::NAN, |base| value / base.values[column]);
                let _ = write!(page, " {} | {} |", digits(*value), digits(ratio));
            }
            page.push('\n');
        }
    }
}

/// Writes the tables under a heading that says how they came about.
pub(crate) fn page(options: &Options, tables: &[Table]) -> String {
    let mut page = format!(
        "# Benchmarks\n\n\
         {} logical processors ({}). {} operations a round and thread, median of {} rounds, \
         the rounds of a group interleaved.\n\
         Labels and values are picked at random from a table made beforehand; walking it is in every row.\n",
        std::thread::available_parallelism().map_or(1, usize::from),
        processor(),
        options.operations(),
        options.rounds(),
    );
    for table in tables {
        table.write(&mut page);
    }
    page
}

/// Three significant digits or so.
fn digits(value: f64) -> String {
    let decimals = match value {
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines()
                .find_map(|line| line.strip_prefix("model name"))
                .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
