//! Korean registration number of a foreigner (ARN, FRN).
//!
//! Date of birth, sex and century from 5 to 8, place, serial and a check modulo 11 that begins at 13.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " -").is_some_and(|d| {
        let century = match d[6] {
            5 | 6 => 1900,
            7 | 8 => 2000,
            _ => return false,
        };
        let sum = dot(&d, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
        is_date(century + value(&d[..2]), value(&d[2..4]), value(&d[4..6])) && (13 - sum % 11) % 10 == d[12]
    })
}
