//! Icelandic identity number (kennitala).
//!
//! Date of birth, or of founding with 40 added to the day, a check modulo 11 and a digit for the century.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        let century = match d[9] {
            8 => 1800,
            9 => 1900,
            0 => 2000,
            _ => return false,
        };
        let day = value(&d[..2]);
        let day = if day > 40 { day - 40 } else { day };
        is_date(century + value(&d[4..6]), value(&d[2..4]), day)
            && dot(&d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}
