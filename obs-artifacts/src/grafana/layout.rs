//! Where panels are: side by side in 24 columns, row below row. Nobody writes a coordinate.

use std::collections::BTreeSet;

use super::model::{GridPos, Panel, Visual};

const COLUMNS: u32 = 24;

/// The largest number that JSON readers with 32 bits keep.
const ID_BITS: u32 = 0x7fff_ffff;

/// Panels below a title; each says in its `grid_pos` how large it would be.
#[derive(Debug)]
pub(super) struct Row {
    title: &'static str,
    panels: Vec<Panel>,
}

impl Row {
    pub(super) fn new(title: &'static str, panels: impl IntoIterator<Item = Panel>) -> Self {
        Self {
            title,
            panels: panels.into_iter().collect(),
        }
    }

    pub(super) fn panels(&self) -> &[Panel] {
        &self.panels
    }
}

/// Places rows below each other and gives every panel its id. Rows without panels are left out.
pub(super) fn place(rows: Vec<Row>) -> Vec<Panel> {
    let mut ids = Ids::default();
    let mut placed = Vec::new();
    let mut y = 0;
    for row in rows {
        if row.panels.is_empty() {
            continue;
        }
        let mut title = title(row.title);
        title.id = ids.of(row.title, "");
        title.grid_pos.y = y;
        placed.push(title);
        y += 1;
        for mut line in lines(row.panels) {
            let height = fill(&mut line, y);
            for mut panel in line {
                panel.id = ids.of(row.title, &panel.title);
                placed.push(panel);
            }
            y += height;
        }
    }
    placed
}

fn title(title: &str) -> Panel {
    Panel {
        id: 0,
        title: title.to_owned(),
        description: String::new(),
        grid_pos: GridPos {
            x: 0,
            y: 0,
            w: COLUMNS,
            h: 1,
        },
        visual: Visual::Row {
            collapsed: false,
            panels: [],
        },
        datasource: None,
        field_config: None,
        targets: Vec::new(),
        transformations: Vec::new(),
    }
}

/// Breaks panels into lines that are no wider than the dashboard, and all about as full: four panels
/// of a third each are two and two.
fn lines(panels: Vec<Panel>) -> Vec<Vec<Panel>> {
    let mut left: u32 = panels.iter().map(width).sum();
    let mut lines_left = left.div_ceil(COLUMNS);
    let mut lines: Vec<Vec<Panel>> = Vec::new();
    let (mut used, mut goal) = (0, 0);
    for panel in panels {
        let width = width(&panel);
        let fits = used + width <= COLUMNS && used + width / 2 <= goal;
        match lines.last_mut() {
            Some(line) if fits => {
                line.push(panel);
                used += width;
            }
            _ => {
                goal = left.div_ceil(lines_left.max(1));
                lines_left = lines_left.saturating_sub(1);
                lines.push(vec![panel]);
                used = width;
            }
        }
        left -= width;
    }
    lines
}

fn width(panel: &Panel) -> u32 {
    panel.grid_pos.w.clamp(1, COLUMNS)
}

/// Puts the panels of a line beside each other, stretched to its end, and returns its height.
fn fill(line: &mut [Panel], y: u32) -> u32 {
    let many = u32::try_from(line.len()).unwrap_or(COLUMNS).max(1);
    let wanted: u32 = line.iter().map(|panel| panel.grid_pos.w).sum();
    let height = line.iter().map(|panel| panel.grid_pos.h).max().unwrap_or(0);
    let spare = COLUMNS.saturating_sub(wanted);
    let mut x = 0;
    for (at, panel) in (0u32..).zip(line.iter_mut()) {
        let stretched = spare / many + u32::from(at < spare % many);
        let w = panel.grid_pos.w + stretched;
        panel.grid_pos = GridPos { x, y, w, h: height };
        x += w;
    }
    height
}

/// Ids that follow from titles: a panel keeps its own, and links to it hold, whatever is added
/// before it.
#[derive(Default)]
struct Ids(BTreeSet<u32>);

impl Ids {
    fn of(&mut self, row: &str, panel: &str) -> u32 {
        let mut id = hash(&format!("{row}/{panel}")) & ID_BITS;
        while id == 0 || !self.0.insert(id) {
            id = (id + 1) & ID_BITS;
        }
        id
    }
}

/// FNV-1a: the same on every machine and in every version of Rust.
pub(super) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
