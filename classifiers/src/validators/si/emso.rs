//! Slovenian personal number (EMŠO).
//!
//! Date of birth with three digits of the year, region, serial and a check modulo 11.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " ").is_some_and(|d| {
        let year = value(&d[4..7]);
        let year = if year < 800 { 2000 + year } else { 1000 + year };
        let check = (11 - dot(&d, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        is_date(year, value(&d[2..4]), value(&d[..2])) && check % 10 == d[12]
    })
}
