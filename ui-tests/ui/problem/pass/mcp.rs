#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
//! An error that is the answer of a tool as well, with parameters and without, in any place.

use rmcp::ErrorData;
use rmcp::model::IntoContents;

/// An error with a parameter; its label is written by hand.
#[derive(Debug, obs::ProblemError)]
#[problem(mcp)]
pub enum StoreError<E>
where
    E: 'static,
{
    /// Not there.
    #[problem(status = 404, detail)]
    NotFound,
    /// The error of another.
    #[problem(transparent)]
    Inner(E),
}

impl<E: obs::ErrorLabel> obs::ErrorLabel for StoreError<E> {
    const VALUES: &'static [&'static str] = &["not_found", "inner"];

    fn index(&self) -> usize {
        usize::from(matches!(self, Self::Inner(_)))
    }
}

impl<E> std::fmt::Display for StoreError<E> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl<E: std::fmt::Debug> std::error::Error for StoreError<E> {}

/// Every key of the container.
#[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
#[problem(mcp, crate = ::obs)]
pub enum DiskError {
    /// No room.
    #[problem(status = 503)]
    Full,
}

impl std::fmt::Display for DiskError {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for DiskError {}

fn fails() -> Result<(), ErrorData> {
    Err(StoreError::Inner(DiskError::Full))?
}

fn main() {
    #[derive(Debug, obs::ErrorLabel, obs::ProblemError)]
    #[problem(mcp)]
    enum Inside {
        #[problem(status = 500)]
        Broken,
    }

    impl std::fmt::Display for Inside {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
    }

    impl std::error::Error for Inside {}

    fn is_both<T: IntoContents + Into<ErrorData>>(_: T) {}
    is_both(Inside::Broken);
    assert!(fails().is_err());
    assert_eq!(StoreError::<DiskError>::NotFound.into_contents().len(), 1);
}
