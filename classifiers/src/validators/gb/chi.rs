//! Scottish community health index number (CHI).
//!
//! Date of birth, three digits and a check modulo 11.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        // The century is not written; 2000 has a leap day.
        is_date(2000 + value(&d[4..6]), value(&d[2..4]), value(&d[..2]))
            && (11 - dot(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[9]
    })
}
