//! Malaysian identity card number (NRIC).
//!
//! Date of birth, place of birth and a serial. There is no check digit.

use crate::validators::digits::{digits, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<12>(number, " -").is_some_and(|d| {
        let (year, month, day) = (value(&d[..2]), value(&d[2..4]), value(&d[4..6]));
        let place = !matches!(value(&d[6..8]), 0 | 17..=20 | 69 | 70 | 73 | 80 | 81 | 94..=97);
        place && (is_date(1900 + year, month, day) || is_date(2000 + year, month, day))
    })
}
