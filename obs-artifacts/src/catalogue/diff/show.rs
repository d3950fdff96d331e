//! Changes, for people.

use std::fmt;

use super::{Change, ChangeKind, Diff};

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaking = self.breaking().count();
        let harmless = self.changes.len() - breaking;
        match (breaking, harmless) {
            (0, 0) => return f.write_str("nothing changed"),
            (0, _) => write!(f, "{harmless} change(s), none of which breaks anything")?,
            (_, 0) => write!(f, "{breaking} change(s), all of which break something")?,
            _ => write!(f, "{breaking} change(s) break something, {harmless} do not")?,
        }
        for change in &self.changes {
            write!(f, "\n\n{change}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.breaking {
            "BREAKING"
        } else {
            "harmless"
        };
        let service = Shown(&self.service);
        write!(f, "{mark}  {service}")?;
        if let Some(metric) = &self.metric {
            write!(f, ": {metric}")?;
        }
        write!(f, ": {}", self.change.name())?;
        if let Some(label) = &self.label {
            write!(f, " `{label}`")?;
        }
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, ": {} -> {}", Shown(old), Shown(new))?,
            (Some(one), None) | (None, Some(one)) => write!(f, ": {}", Shown(one))?,
            (None, None) => {}
        }
        write!(f, "\n  why: {}", self.why)?;
        if !self.fix.is_empty() {
            write!(f, "\n  fix: {}", self.fix)?;
        }
        if let Some(now) = &self.perhaps_now {
            write!(f, "\n  is it `{now}` now?")?;
        }
        Ok(())
    }
}

impl ChangeKind {
    const fn name(self) -> &'static str {
        match self {
            Self::ServiceRemoved => "service removed",
            Self::ServiceAdded => "service added",
            Self::ServiceRenamed => "service renamed",
            Self::MetricRemoved => "metric removed",
            Self::MetricAdded => "metric added",
            Self::TypeChanged => "type changed",
            Self::UnitChanged => "unit changed",
            Self::LabelRemoved => "label removed",
            Self::LabelAdded => "label added",
            Self::LabelOpened => "values no longer known of label",
            Self::LabelClosed => "values now known of label",
            Self::ValueRemoved => "value removed from label",
            Self::ValueAdded => "value added to label",
            Self::BucketsRemoved => "buckets removed",
            Self::BucketsAdded => "buckets added",
            Self::ObjectiveRemoved => "objective removed",
            Self::ObjectiveChanged => "objective changed",
            Self::ObjectiveAdded => "objective added",
        }
    }
}

/// A text of a saved catalogue: anything, and nothing that a terminal would obey.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_debug())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        Ok(())
    }
}
