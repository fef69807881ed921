//! The conditions on a token, as bodies have them (R53).

use serde::Serialize;

use crate::error::{Error, Result};
use postern_domain::conditions::{AddressRange, Conditions, ConditionsError};

/// The ranges of a body.
///
/// # Errors
/// `Invalid`.
pub(crate) fn ranges(texts: &[String]) -> Result<Vec<AddressRange>> {
    let texts = texts.iter();
    let read = texts.map(|text| AddressRange::parse(text).map_err(ConditionsError::Range));
    let read: core::result::Result<Vec<_>, _> = read.collect();
    read.map_err(refused)
}

/// The conditions that a body asks for a new token; `None` = none. A list without any range would read as "from
/// nowhere" and mean "from everywhere".
///
/// # Errors
/// `Invalid`.
pub(crate) fn asked(
    texts: Option<&[String]>,
    calls_per_minute: Option<u32>,
) -> Result<Option<Conditions>> {
    if texts.is_some_and(<[String]>::is_empty) {
        return Err(refused(ConditionsError::NoRange));
    }
    let ranges = texts.map(ranges).transpose()?;
    Conditions::new(ranges.unwrap_or_default(), calls_per_minute).map_err(refused)
}

/// Conditions as views have them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ConditionsView {
    /// From which addresses a token can be used; none = from everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address_ranges: Vec<AddressRange>,
    /// How many calls it can make a minute; `None` = as many as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    calls_per_minute: Option<u32>,
}

impl From<Option<&Conditions>> for ConditionsView {
    fn from(conditions: Option<&Conditions>) -> Self {
        conditions.map_or_else(Self::default, |conditions| Self {
            address_ranges: conditions.address_ranges().to_vec(),
            calls_per_minute: conditions.calls_per_minute(),
        })
    }
}

/// Conditions that cannot be.
pub(crate) fn refused(error: ConditionsError) -> Error {
    match error {
        ConditionsError::NoRange | ConditionsError::TooManyRanges | ConditionsError::Range(_) => {
            Error::invalid("address_ranges_invalid", error.to_string())
        }
        ConditionsError::Calls => Error::invalid("calls_per_minute_invalid", error.to_string()),
    }
}
