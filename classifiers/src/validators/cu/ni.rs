//! Cuban identity card number.
//!
//! Date of birth, a digit for the century and sex, and a serial.

use crate::validators::digits::{digits, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| {
        let century = match d[6] {
            0..=5 => 1900,
            6..=8 => 2000,
            _ => 1800,
        };
        is_date(century + value(&d[..2]), value(&d[2..4]), value(&d[4..6]))
    })
}
