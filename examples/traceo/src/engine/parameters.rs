//! The query of a URL, read so strictly that a mistake in it cannot go unnoticed.

use std::ops::RangeInclusive;

use axum::extract::Query;
use axum::http::Uri;

use super::error::ParameterError;

/// The query of a URL: nothing in it is unknown, and nothing is in it twice.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query; `known` is `` `one`, `other` ``, as people are told.
    pub(super) fn of(uri: &Uri, known: &'static [&'static str]) -> Result<Self, ParameterError> {
        let read = Query::<Vec<(String, String)>>::try_from_uri(uri);
        let Query(parameters) = read.map_err(|_| ParameterError::UnreadableQuery)?;
        for (position, (name, _)) in parameters.iter().enumerate() {
            let Some(known) = known.iter().find(|known| *known == name) else {
                return Err(ParameterError::UnknownParameter {
                    known: known.join("`, `"),
                });
            };
            if parameters
                .iter()
                .take(position)
                .any(|(other, _)| other == name)
            {
                let expected = "given once";
                return Err(ParameterError::BadParameter {
                    name: known,
                    expected,
                });
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Reads a whole number of a range, of which `expected` tells people.
    pub(super) fn number(
        &self,
        name: &'static str,
        range: RangeInclusive<u32>,
        expected: &'static str,
    ) -> Result<Option<u32>, ParameterError> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number
            .map(Some)
            .ok_or(ParameterError::BadParameter { name, expected })
    }
}
