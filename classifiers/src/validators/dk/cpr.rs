//! Danish personal number (CPR).
//!
//! Date of birth, a digit that gives the century, and a serial. The old check modulo 11 no longer holds for all.

use crate::validators::digits::{LAST_YEAR, digits, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        let year = value(&d[4..6]);
        let century = match (d[6], year) {
            (0..=3, _) | (4 | 9, 37..) => 1900,
            (5..=8, 58..) => 1800,
            _ => 2000,
        };
        is_date(century + year, value(&d[2..4]), value(&d[..2])) && century + year <= LAST_YEAR
    })
}
