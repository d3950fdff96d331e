//! One change, whether it breaks anything, and why.

use serde::Serialize;

use crate::catalogue::Catalogue;

/// One change between two catalogues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The service.
    pub service: String,
    /// What happened.
    pub change: ChangeKind,
    /// Whether it breaks a dashboard, an alert or a recording rule that was right before.
    pub breaking: bool,
    /// The metric; nothing where the change is about the whole service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// The label, where the change is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// The new metric that looks like the one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub perhaps_now: Option<String>,
    /// What it means to those who look at the metric.
    pub why: &'static str,
    /// What to do about it; nothing where nothing needs to be done.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub fix: &'static str,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// A service has no catalogue any more.
    ServiceRemoved,
    /// A service has a catalogue for the first time.
    ServiceAdded,
    /// The service has another name.
    ServiceRenamed,
    /// A metric is gone.
    MetricRemoved,
    /// There is a new metric.
    MetricAdded,
    /// A counter became a gauge, for example.
    TypeChanged,
    /// Its base unit is another one.
    UnitChanged,
    /// A label is gone.
    LabelRemoved,
    /// There is a new label.
    LabelAdded,
    /// A label whose values were known takes any that the process meets.
    LabelOpened,
    /// The values of a label are known now.
    LabelClosed,
    /// A label cannot have a value any more.
    ValueRemoved,
    /// A label can have one more value.
    ValueAdded,
    /// Bounds of buckets are gone.
    BucketsRemoved,
    /// There are more bounds of buckets, and all that there were.
    BucketsAdded,
    /// A service level objective is gone.
    ObjectiveRemoved,
    /// A service level objective is another one.
    ObjectiveChanged,
    /// There is a new service level objective.
    ObjectiveAdded,
}

impl ChangeKind {
    /// Whether it breaks a dashboard, an alert or a recording rule that was right before.
    #[must_use]
    pub const fn is_breaking(self) -> bool {
        match self {
            Self::ServiceRemoved
            | Self::ServiceRenamed
            | Self::MetricRemoved
            | Self::TypeChanged
            | Self::UnitChanged
            | Self::LabelRemoved
            | Self::LabelAdded
            | Self::LabelOpened
            | Self::ValueRemoved
            | Self::BucketsRemoved
            | Self::ObjectiveRemoved
            | Self::ObjectiveChanged => true,
            Self::ServiceAdded
            | Self::MetricAdded
            | Self::LabelClosed
            | Self::ValueAdded
            | Self::BucketsAdded
            | Self::ObjectiveAdded => false,
        }
    }

    /// What it means to those who look at the metric.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::ServiceRemoved => {
                "its dashboards stay empty, and its alerts cannot fire any more"
            }
            Self::ServiceRenamed => {
                "queries select it by the label `service`: those for the old name return nothing"
            }
            Self::MetricRemoved => {
                "panels on it stay empty, and an alert on it can never fire again: without data \
                 there is nothing to compare"
            }
            Self::TypeChanged => {
                "a query fits one type: rate() of a gauge and histogram_quantile() without \
                 buckets return nonsense or nothing, without an error"
            }
            Self::UnitChanged => "thresholds and axes were chosen for the old unit",
            Self::LabelRemoved => {
                "`by (label)` puts everything into one series, and a matcher on it selects nothing"
            }
            Self::LabelAdded => {
                "one series becomes several: what does not sum them compares each part with a \
                 threshold for the whole, and joins with `on` or `ignoring` may fail"
            }
            Self::LabelOpened => {
                "nothing says any more that a value which a query names can occur, and how many \
                 series there can be is no longer known"
            }
            Self::ValueRemoved => {
                "a matcher on it selects nothing: an alert on that value can never fire again"
            }
            Self::BucketsRemoved => {
                "a matcher on a `le` that is gone selects nothing, and a share or quantile at that \
                 bound becomes an estimate; while both versions run, sums by `le` are wrong"
            }
            Self::ObjectiveRemoved => {
                "its recording rules and burn-rate alerts are no longer made, and what uses them \
                 stays empty"
            }
            Self::ObjectiveChanged => {
                "its alerts fire for something else than before, and the budget that was used \
                 counts by the new measure"
            }
            Self::ServiceAdded | Self::MetricAdded | Self::ObjectiveAdded => {
                "nothing could depend on it yet"
            }
            Self::LabelClosed => "the values that occurred are known now",
            Self::ValueAdded => "sums include it by themselves; lists of values may want it",
            Self::BucketsAdded => {
                "every query stays right; while both versions run, sums by `le` are a little off"
            }
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::ServiceRemoved => "remove what is made for it, or bring its catalogue back",
            Self::ServiceRenamed => {
                "keep the old name, or render the dashboards and rules again and change your own"
            }
            Self::MetricRemoved => {
                "keep it next to its successor until no query names it, or change those queries \
                 in the same release"
            }
            Self::TypeChanged => "give the metric of the new type a new name",
            Self::UnitChanged => {
                "keep the unit, or give the metric a new name that ends in the new one"
            }
            Self::LabelRemoved => "keep the label, or change the queries that name it",
            Self::LabelAdded => {
                "sum over it where queries use the metric (`sum without (label)`), or declare a \
                 second metric with the label"
            }
            Self::LabelOpened => "list the values in an enum that derives `Label`",
            Self::ValueRemoved => "keep the value, or change the queries that name it",
            Self::BucketsRemoved => "keep the old bounds among the new ones",
            Self::ObjectiveRemoved | Self::ObjectiveChanged => {
                "agree on it with those who are called, and save the catalogue again"
            }
            Self::ServiceAdded
            | Self::MetricAdded
            | Self::LabelClosed
            | Self::ValueAdded
            | Self::BucketsAdded
            | Self::ObjectiveAdded => "",
        }
    }
}

impl Change {
    pub(super) fn of(change: ChangeKind, catalogue: &Catalogue) -> Self {
        Self {
            service: catalogue.service.clone(),
            change,
            breaking: change.is_breaking(),
            metric: None,
            label: None,
            old: None,
            new: None,
            perhaps_now: None,
            why: change.why(),
            fix: change.fix(),
        }
    }

    pub(super) fn on(mut self, metric: &str) -> Self {
        self.metric = Some(metric.to_owned());
        self
    }

    pub(super) fn label(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    pub(super) fn was(mut self, old: impl Into<String>) -> Self {
        self.old = Some(old.into());
        self
    }

    pub(super) fn to(mut self, new: impl Into<String>) -> Self {
        self.new = Some(new.into());
        self
    }

    pub(super) fn between(self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.was(old).to(new)
    }

    pub(super) fn perhaps_now(mut self, metric: &str) -> Self {
        self.perhaps_now = Some(metric.to_owned());
        self
    }
}
