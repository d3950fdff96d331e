//! What may be a label: types whose values are a finite list known when compiling.

/// Names a finite set of label values, so that a metric can be labelled with it.
///
/// Derive it on an enum; that is the documented way and checks the values. It is implemented for
/// `bool`, for `Option<L>` (which adds `none`), and with feature `http` for `http::Method` and
/// `http::StatusCode` through closed tables.
///
/// # Cardinality
/// Exactly `VALUES.len()`, whatever `index` returns: an index past the end is clamped to the last
/// value, so an implementation written by hand can mislabel but never add a series.
///
/// # Example
/// ```
/// use obs_runtime::Label;
///
/// #[derive(Label, Clone, Copy)]
/// enum Source {
///     Upload,
///     #[label(value = "s3")]
///     ObjectStore,
/// }
/// assert_eq!(Source::VALUES, ["upload", "s3"]);
/// assert_eq!(Source::ObjectStore.index(), 1);
/// # let _ = Source::Upload;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bounded metric label",
    label = "can hold values that nobody can list when compiling",
    note = "every distinct value becomes its own time series, and memory grows with it",
    note = "if `{Self}` is an enum, derive it: `#[derive(obs::Label, Clone, Copy)]`",
    note = "otherwise use an enum instead: `enum Tenant {{ Free, Paid }}`",
    note = "to keep the value itself, put it in a field, which goes to logs and spans: `#[obs::observed(fields(tenant = %tenant))]`"
)]
pub trait Label: Sized + 'static {
    /// Every value the label can take, in the order of [`index`](Self::index).
    const VALUES: &'static [&'static str];

    /// Returns the position of this value in [`VALUES`](Self::VALUES).
    fn index(self) -> usize;
}

/// Names a finite set of error kinds, so that failures can be counted by kind.
///
/// The same as [`Label`] for types that are not `Copy`: derive it on an error enum, where
/// variants with data say `#[label(ignore)]` (only the name counts) or `#[label(nested)]` (the
/// values of the field's own enum are added). Every derived [`Label`] is an `ErrorLabel` too.
///
/// # Cardinality
/// Exactly `VALUES.len()`.
///
/// # Example
/// ```
/// use obs_runtime::ErrorLabel;
///
/// #[derive(ErrorLabel)]
/// enum QueryError {
///     Timeout,
///     #[label(ignore)]
///     Syntax(String),
/// }
/// assert_eq!(QueryError::VALUES, ["timeout", "syntax"]);
/// assert_eq!(QueryError::Syntax("near FROM".into()).index(), 1);
/// # let _ = QueryError::Timeout;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bounded error label",
    label = "has no finite list of error kinds",
    note = "derive it on the error enum: `#[derive(obs::ErrorLabel)]`",
    note = "a variant around another type says `#[label(ignore)]`, and is counted by its name"
)]
pub trait ErrorLabel: 'static {
    /// Every kind the error can have, in the order of [`index`](Self::index).
    const VALUES: &'static [&'static str];

    /// Returns the position of this error's kind in [`VALUES`](Self::VALUES).
    fn index(&self) -> usize;
}

/// What `#[derive(Label)]` implements.
///
/// [`Label`] follows from it through one blanket implementation that rustc is told not to
/// recommend. That keeps the list of other implementors out of the error for a type that is no
/// label.
pub trait DerivedLabel: Sized + 'static {
    /// See [`Label::VALUES`].
    const VALUES: &'static [&'static str];

    /// See [`Label::index`].
    fn index(self) -> usize;
}

/// What `#[derive(ErrorLabel)]` implements; see [`DerivedLabel`].
pub trait DerivedErrorLabel: 'static {
    /// See [`ErrorLabel::VALUES`].
    const VALUES: &'static [&'static str];

    /// See [`ErrorLabel::index`].
    fn index(&self) -> usize;
}

#[diagnostic::do_not_recommend]
impl<L: DerivedLabel> Label for L {
    const VALUES: &'static [&'static str] = <L as DerivedLabel>::VALUES;

    #[inline]
    fn index(self) -> usize {
        <L as DerivedLabel>::index(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: DerivedErrorLabel> ErrorLabel for E {
    const VALUES: &'static [&'static str] = <E as DerivedErrorLabel>::VALUES;

    #[inline]
    fn index(&self) -> usize {
        <E as DerivedErrorLabel>::index(self)
    }
}

impl DerivedLabel for bool {
    const VALUES: &'static [&'static str] = &["false", "true"];

    #[inline]
    fn index(self) -> usize {
        usize::from(self)
    }
}

/// The most values that a label wrapped in `Option` may have.
const OPTION_MAX: usize = 1023;

/// The values of `Option<L>`, in a buffer of fixed size because an array's length cannot depend
/// on a type parameter.
struct OptionValues<L>(core::marker::PhantomData<L>);

impl<L: Label> OptionValues<L> {
    const LEN: usize = {
        assert!(
            L::VALUES.len() <= OPTION_MAX,
            "a label inside an `Option` has at most 1023 values"
        );
        L::VALUES.len() + 1
    };

    const BUFFER: &'static [&'static str; OPTION_MAX + 1] = &{
        let mut buffer = ["none"; OPTION_MAX + 1];
        let mut i = 0;
        while i < L::VALUES.len() {
            buffer[i + 1] = L::VALUES[i];
            i += 1;
        }
        buffer
    };
}

impl<L: Label> DerivedLabel for Option<L> {
    const VALUES: &'static [&'static str] =
        OptionValues::<L>::BUFFER.split_at(OptionValues::<L>::LEN).0;

    #[inline]
    fn index(self) -> usize {
        match self {
            None => 0,
            // Clamped here as well: past the end of `L` must not become another label's value.
            Some(label) => clamp(label.index(), L::VALUES.len()) + 1,
        }
    }
}

/// Keeps an index inside a list of `len` values.
#[inline]
pub(crate) const fn clamp(index: usize, len: usize) -> usize {
    if index < len {
        index
    } else {
        len.saturating_sub(1)
    }
}

#[cfg(feature = "http")]
mod http_labels {
    use super::DerivedLabel;
    use http::{Method, StatusCode};

    /// The methods of RFC 9110 and RFC 5789; anything else is `other` (CVE-2022-21698).
    impl DerivedLabel for Method {
        const VALUES: &'static [&'static str] = &[
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "other",
        ];

        fn index(self) -> usize {
            match self {
                Self::GET => 0,
                Self::HEAD => 1,
                Self::POST => 2,
                Self::PUT => 3,
                Self::PATCH => 4,
                Self::DELETE => 5,
                Self::OPTIONS => 6,
                Self::TRACE => 7,
                Self::CONNECT => 8,
                _ => 9,
            }
        }
    }

    /// The codes that a label names one by one, in the order of `StatusCode`'s values.
    const CODES: [u16; 21] = [
        101, 200, 201, 202, 204, 302, 304, 400, 401, 403, 404, 405, 409, 413, 422, 429, 499, 500,
        502, 503, 504,
    ];

    /// The usual codes one by one, the rest by class; codes outside 100 to 599 are `other`.
    impl DerivedLabel for StatusCode {
        const VALUES: &'static [&'static str] = &[
            "101", "200", "201", "202", "204", "302", "304", "400", "401", "403", "404", "405",
            "409", "413", "422", "429", "499", "500", "502", "503", "504", "1xx", "2xx", "3xx",
            "4xx", "5xx", "other",
        ];

        fn index(self) -> usize {
            let code = self.as_u16();
            match CODES.binary_search(&code) {
                Ok(index) => index,
                Err(_) => CODES.len() + (usize::from(code / 100).wrapping_sub(1)).min(5),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn an_option_adds_none_and_keeps_the_order() {
        assert_eq!(<Option<bool> as Label>::VALUES, ["none", "false", "true"]);
        assert_eq!(None::<bool>.index(), 0);
        assert_eq!(Some(true).index(), 2);
    }

    #[cfg(feature = "http")]
    #[test]
    fn every_status_code_has_a_value_of_its_own_or_of_its_class() {
        for code in 100..=999u16 {
            let status = http::StatusCode::from_u16(code).unwrap();
            let value = <http::StatusCode as Label>::VALUES[status.index()];
            let class = format!("{}xx", code / 100);
            assert!(
                value == code.to_string() || value == class || (code > 599 && value == "other"),
                "{code} became {value}"
            );
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn an_unknown_or_lower_case_method_is_other() {
        for name in ["get", "PROPFIND", "X"] {
            let method = http::Method::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(<http::Method as Label>::VALUES[method.index()], "other");
        }
    }
}
