//! Markdown that no text from a program can break.

use std::fmt;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    columns: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Begins a table with these headings.
    pub(super) fn new<const COLUMNS: usize>(headings: [&str; COLUMNS]) -> Self {
        Self {
            columns: COLUMNS,
            rows: vec![headings.map(str::to_owned).to_vec()],
        }
    }

    /// Adds a row of cells that are Markdown already; what is missing stays empty.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, row) in self.rows.iter().enumerate() {
            for column in 0..self.columns {
                let cell = row.get(column).map_or("", String::as_str);
                let space = if cell.is_empty() { "" } else { " " };
                write!(f, "|{space}{cell} ")?;
            }
            writeln!(f, "|")?;
            if at == 0 {
                writeln!(f, "{}|", "|---".repeat(self.columns))?;
            }
        }
        Ok(())
    }
}

/// A text as code, in a table or out of it.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    // The fence is longer than any in the text, and a bar would end the cell even in code.
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A text in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    prose(text).replace('|', "\\|")
}

/// A text as it was written in a comment: Markdown is meant, HTML and blocks are not.
pub(super) fn prose(text: &str) -> String {
    let text = one_line(text).replace('<', "&lt;");
    let begins_a_block = text.starts_with(['#', '-', '+', '>', '=', '|', '~'])
        || text.starts_with("* ")
        || text.starts_with("```")
        || is_list(&text);
    if begins_a_block {
        format!("\\{text}")
    } else {
        text
    }
}

/// Whether a text begins as `1.` or `1)` does.
fn is_list(text: &str) -> bool {
    let rest = text.trim_start_matches(|it: char| it.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(['.', ')'])
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
