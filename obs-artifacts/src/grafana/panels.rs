//! The kinds of panels, with the looks that they have on every dashboard.

use super::model::{
    BarGaugeOptions, Color, Custom, DataLink, DataSource, FieldConfig, FieldDefaults, GridPos,
    HeatmapOptions, LineStyle, LogsOptions, Mapping, Mode, Override, Panel, Property, StatOptions,
    StateTimelineOptions, TableOptions, Target, Thresholds, TimeSeriesOptions, Transformation,
    Visual,
};

pub(super) const BAD: &str = "red";
pub(super) const DOUBTFUL: &str = "orange";
pub(super) const GOOD: &str = "green";
pub(super) const PLAIN: &str = "blue";

/// The same series has the same colour on every panel.
const BY_NAME: Color = Color {
    mode: "palette-classic-by-name",
    fixed_color: None,
};

const BY_THRESHOLD: Color = Color {
    mode: "thresholds",
    fixed_color: None,
};

/// How large a panel would be: a third of a dashboard wide unless it says otherwise.
const CHART: (u32, u32) = (8, 8);
const STAT: (u32, u32) = (3, 4);

impl Panel {
    /// Lines over time.
    pub(super) fn time_series(title: &str, description: &str, unit: &str) -> Self {
        let options = TimeSeriesOptions::new();
        let mut panel = Self::of(
            title,
            description,
            unit,
            Visual::TimeSeries { options },
            CHART,
        );
        let defaults = panel.defaults();
        defaults.color = Some(BY_NAME);
        defaults.min = Some(0.0);
        defaults.custom = Some(Custom {
            line_width: Some(1),
            fill_opacity: Some(8),
            show_points: Some("never"),
            ..Custom::default()
        });
        panel
    }

    /// One number, with what it was before behind it.
    pub(super) fn stat(title: &str, description: &str, unit: &str) -> Self {
        let options = StatOptions::new();
        let mut panel = Self::of(title, description, unit, Visual::Stat { options }, STAT);
        let defaults = panel.defaults();
        defaults.color = Some(BY_THRESHOLD);
        defaults.thresholds = Some(Thresholds::new(PLAIN, []));
        defaults.no_value = Some("–");
        panel
    }

    /// One name.
    pub(super) fn name(title: &str, description: &str) -> Self {
        let options = StatOptions::name();
        let visual = Visual::Stat { options };
        Self::of(title, description, super::unit::TEXT, visual, STAT)
    }

    /// How many observations there were, by time and bucket.
    pub(super) fn heatmap(title: &str, description: &str, unit: &str) -> Self {
        let options = HeatmapOptions::new(Some(unit));
        let visual = Visual::Heatmap { options };
        Self::of(title, description, super::unit::NUMBER, visual, (12, 8))
    }

    /// How much there was, by time and series.
    pub(super) fn heatmap_of_series(title: &str, description: &str, unit: &str) -> Self {
        let options = HeatmapOptions::new(None);
        let visual = Visual::Heatmap { options };
        Self::of(title, description, unit, visual, (12, 8))
    }

    /// Rows, those with the largest value of a column first.
    pub(super) fn table(
        title: &str,
        description: &str,
        unit: &str,
        sort_by: Option<&'static str>,
    ) -> Self {
        let options = TableOptions::new(sort_by);
        let mut panel = Self::of(title, description, unit, Visual::Table { options }, (12, 8));
        panel.defaults().custom = Some(Custom {
            filterable: Some(true),
            ..Custom::default()
        });
        panel
    }

    /// Bars beside names.
    pub(super) fn bars(title: &str, description: &str, unit: &str) -> Self {
        let options = BarGaugeOptions::new();
        let visual = Visual::BarGauge { options };
        let mut panel = Self::of(title, description, unit, visual, CHART);
        let defaults = panel.defaults();
        defaults.color = Some(BY_THRESHOLD);
        defaults.thresholds = Some(Thresholds::new(PLAIN, []));
        defaults.min = Some(0.0);
        panel
    }

    /// What was up and what was down, over time.
    pub(super) fn up_or_down(title: &str, description: &str) -> Self {
        let options = StateTimelineOptions::new();
        let visual = Visual::StateTimeline { options };
        let mut panel = Self::of(title, description, super::unit::NUMBER, visual, CHART);
        let defaults = panel.defaults();
        defaults.color = Some(BY_THRESHOLD);
        defaults.thresholds = Some(Thresholds::new(BAD, [(GOOD, 1.0)]));
        defaults.mappings = vec![
            Mapping::word("0", "down", BAD),
            Mapping::word("1", "up", GOOD),
        ];
        panel
    }

    /// Lines of logs, as these of their fields.
    pub(super) fn logs(title: &str, description: &str, fields: &'static [&'static str]) -> Self {
        let options = LogsOptions::new(fields);
        let visual = Visual::Logs { options };
        Self::of(title, description, super::unit::TEXT, visual, (24, 14))
    }

    fn of(title: &str, description: &str, unit: &str, visual: Visual, size: (u32, u32)) -> Self {
        Self {
            id: 0,
            title: title.to_owned(),
            description: description.to_owned(),
            grid_pos: GridPos {
                w: size.0,
                h: size.1,
                ..GridPos::default()
            },
            visual,
            datasource: None,
            field_config: Some(FieldConfig {
                defaults: FieldDefaults {
                    unit: unit.to_owned(),
                    ..FieldDefaults::default()
                },
                overrides: Vec::new(),
            }),
            targets: Vec::new(),
            transformations: Vec::new(),
        }
    }

    /// Asks this, too.
    #[must_use]
    pub(super) fn ask(mut self, mut target: Target) -> Self {
        target.ref_id = letters(self.targets.len());
        self.datasource.get_or_insert(target.datasource);
        self.targets.push(target);
        self
    }

    /// Asks Prometheus, too.
    #[must_use]
    pub(super) fn prometheus(self, expr: impl Into<String>, legend: &str) -> Self {
        self.ask(Target::prometheus(expr, legend))
    }

    /// So many columns wide.
    #[must_use]
    pub(super) const fn wide(mut self, columns: u32) -> Self {
        self.grid_pos.w = columns;
        self
    }

    /// Good below the first value, doubtful from it on, bad from the second on.
    #[must_use]
    pub(super) fn doubtful_from(mut self, doubtful: Option<f64>, bad: Option<f64>) -> Self {
        let doubtful = doubtful.map(|from| (DOUBTFUL, from));
        let above = doubtful.into_iter().chain(bad.map(|from| (BAD, from)));
        self.defaults().thresholds = Some(Thresholds::new(GOOD, above));
        self
    }

    /// With a dashed line at a value that is too much.
    #[must_use]
    pub(super) fn line_at(mut self, value: f64) -> Self {
        let defaults = self.defaults();
        // Calm below the line: only the line is coloured.
        defaults.thresholds = Some(Thresholds::new("transparent", [(DOUBTFUL, value)]));
        let custom = defaults.custom.get_or_insert_default();
        custom.thresholds_style = Some(Mode { mode: "dashed" });
        self
    }

    /// Bars on top of each other: for what is nothing at all most of the time.
    #[must_use]
    pub(super) fn stacked_bars(mut self) -> Self {
        let custom = self.defaults().custom.get_or_insert_default();
        custom.draw_style = Some("bars");
        custom.fill_opacity = Some(70);
        custom.stacking = Some(Mode { mode: "normal" });
        self
    }

    /// Areas on top of each other: for the parts of a whole.
    #[must_use]
    pub(super) fn stacked(mut self) -> Self {
        let custom = self.defaults().custom.get_or_insert_default();
        custom.fill_opacity = Some(30);
        custom.stacking = Some(Mode { mode: "normal" });
        self
    }

    /// Below zero as well.
    #[must_use]
    pub(super) fn unbounded(mut self) -> Self {
        self.defaults().min = None;
        self
    }

    /// The series or the column of this name has a unit of its own.
    #[must_use]
    pub(super) fn unit_of(self, name: &str, unit: &'static str) -> Self {
        self.overridden(Override::name(name, [Property::Unit(unit)]))
    }

    /// What is shown where there is nothing.
    #[must_use]
    pub(super) fn nothing(mut self, text: &'static str) -> Self {
        self.defaults().no_value = Some(text);
        self
    }

    /// Series whose names match are in this colour.
    #[must_use]
    pub(super) fn color(self, pattern: &str, color: &'static str) -> Self {
        self.overridden(Override::matching(
            pattern,
            [Property::Color(Color::fixed(color))],
        ))
    }

    /// Series with this name are a dashed line in this colour.
    #[must_use]
    pub(super) fn bound(self, name: &str, color: &'static str) -> Self {
        let style = LineStyle {
            fill: "dash",
            dash: [8, 8],
        };
        self.overridden(Override::name(
            name,
            [
                Property::Color(Color::fixed(color)),
                Property::LineStyle(style),
                Property::FillOpacity(0),
            ],
        ))
    }

    #[must_use]
    pub(super) fn overridden(mut self, change: Override) -> Self {
        let config = self.field_config.get_or_insert_default();
        config.overrides.push(change);
        self
    }

    #[must_use]
    pub(super) fn transformed(mut self, by: Transformation) -> Self {
        self.transformations.push(by);
        self
    }

    /// A link behind every value.
    #[must_use]
    pub(super) fn link(mut self, title: &'static str, url: String) -> Self {
        self.defaults().links.push(DataLink { title, url });
        self
    }

    /// Which data source a panel asks, if it is one of Prometheus.
    pub(super) fn asks_prometheus(&self) -> bool {
        self.datasource == Some(DataSource::PROMETHEUS)
    }

    fn defaults(&mut self) -> &mut FieldDefaults {
        &mut self.field_config.get_or_insert_default().defaults
    }
}

impl Transformation {
    /// Columns in this order, with these titles.
    pub(super) fn columns(columns: &[(&'static str, &'static str)]) -> Self {
        Self::Organize {
            exclude_by_name: [].into(),
            index_by_name: (0..)
                .zip(columns)
                .map(|(at, (name, _))| (*name, at))
                .collect(),
            rename_by_name: columns.iter().copied().collect(),
        }
    }
}

impl Color {
    const fn fixed(color: &'static str) -> Self {
        Self {
            mode: "fixed",
            fixed_color: Some(color),
        }
    }
}

/// A to Z, then `AA`, as Grafana names queries.
fn letters(at: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(at % 26).unwrap_or(0));
    let before = at / 26;
    if before == 0 {
        letter.to_string()
    } else {
        format!("{}{letter}", letters(before - 1))
    }
}
