//! `http_exceptions_total`: requests that ended in an error or a panic, by its code.

use std::borrow::Cow;
use std::fmt;

use super::error::ErrorCode;
use crate::call::ErrorRows;
use crate::catalog::{Families, FamilyDescriptor, Modules, Value};
use crate::metric::{Cells, Kind, Totals};

/// The codes of the errors that derive `ProblemError`, collected when linking: they are shown at
/// zero before the first error.
#[linkme::distributed_slice]
pub static CODES: [Codes];

/// The codes of one type of errors.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    pub(crate) module: &'static str,
    values: &'static [&'static str],
}

impl Codes {
    /// Says where the type is declared, and its codes.
    #[must_use]
    pub const fn new(module: &'static str, values: &'static [&'static str]) -> Self {
        Self { module, values }
    }
}

/// The family's name, without a prefix.
pub(crate) const NAME: &str = "http_exceptions_total";

/// The label value of a handler that panicked.
const PANIC: &str = "panic";

/// The errors counted so far.
///
/// # Cardinality
/// `panic`, and the values of the types of errors that the binary answers with.
pub(crate) struct Exceptions {
    rows: ErrorRows,
    panics: &'static Cells,
}

impl Exceptions {
    pub(crate) fn new() -> Self {
        Self {
            rows: ErrorRows::new(),
            panics: Cells::leak(1),
        }
    }

    /// Shows the codes of these modules from now on, before the first error of one of them.
    pub(crate) fn expect(&self, modules: &Modules) {
        for codes in CODES.iter().filter(|codes| modules.hold(codes.module)) {
            self.rows.expect(codes.values);
        }
    }

    /// Counts the error that a response carries in its extensions.
    pub(crate) fn count(&self, code: ErrorCode) {
        self.rows.count(code.kind);
    }

    pub(crate) fn count_panic(&self) {
        self.panics.add(0, 1);
    }

    /// Shows the counts under a name, which may have the service's prefix.
    pub(crate) fn collect(
        &self,
        name: Cow<'static, str>,
        totals: &Totals,
        families: &mut Families,
    ) {
        let family = families.family(FamilyDescriptor {
            name,
            kind: Kind::Counter,
            unit: None,
            help: Cow::Borrowed(
                "HTTP requests that ended in an error of a known type or in a panic, by the error's code.",
            ),
        });
        let mut push = |value: &'static str, count| {
            family.push(
                vec![(Cow::Borrowed("exception_type"), Cow::Borrowed(value))],
                Value::Unsigned(count),
            );
        };
        for count in totals.of(self.panics) {
            push(PANIC, count);
        }
        self.rows.collect(None, totals, push);
    }
}

impl fmt::Debug for Exceptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exceptions").finish_non_exhaustive()
    }
}
