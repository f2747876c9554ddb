//! Norwegian birth number (fødselsnummer).
//!
//! Date of birth, an individual number that gives the century, and two checks modulo 11. D-numbers add 40 to the day,
//! H-numbers 40 to the month.

use crate::validators::digits::{LAST_YEAR, digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| {
        let (day, month, year) = (value(&d[..2]), value(&d[2..4]), value(&d[4..6]));
        let day = if day > 40 { day - 40 } else { day };
        let month = if month > 40 { month - 40 } else { month };
        let century = match value(&d[6..9]) {
            0..=499 => 1900,
            500..=749 if year >= 54 => 1800,
            900.. if year >= 40 => 1900,
            500.. if year < 40 => 2000,
            _ => return false,
        };
        is_date(century + year, month, day)
            && century + year <= LAST_YEAR
            && dot(&d, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
            && dot(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}
