//! South African identity number.
//!
//! Date of birth, sex, citizenship and a Luhn check.

use crate::validators::digits::{digits, is_date, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " ").is_some_and(|d| {
        let (year, month, day) = (value(&d[..2]), value(&d[2..4]), value(&d[4..6]));
        (is_date(1900 + year, month, day) || is_date(2000 + year, month, day)) && d[10] <= 2 && luhn::sums_to_zero(&d)
    })
}
