//! The conditions on a token, as bodies have them (R53).

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

/// The conditions that a body asks for; `None` = none.
///
/// # Errors
/// `Invalid`.
pub(crate) fn asked(
    texts: Option<&[String]>,
    calls_per_minute: Option<u32>,
) -> Result<Option<Conditions>> {
    let ranges = ranges(texts.unwrap_or_default())?;
    Conditions::new(ranges, calls_per_minute).map_err(refused)
}

/// Conditions that cannot be.
pub(crate) fn refused(error: ConditionsError) -> Error {
    match error {
        ConditionsError::TooManyRanges | ConditionsError::Range(_) => {
            Error::invalid("address_ranges_invalid", error.to_string())
        }
        ConditionsError::Calls => Error::invalid("calls_per_minute_invalid", error.to_string()),
    }
}
