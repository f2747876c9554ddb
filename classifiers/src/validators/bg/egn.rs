//! Bulgarian personal number (EGN).
//!
//! Date of birth with the century in the month, a serial and a check modulo 11.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -.").is_some_and(|d| passes(&d))
}

/// Whether date and check digit are right.
pub(crate) fn passes(d: &[u64; 10]) -> bool {
    let (year, month, day) = (value(&d[..2]), value(&d[2..4]), value(&d[4..6]));
    let (year, month) = match month {
        41.. => (2000 + year, month - 40),
        21.. => (1800 + year, month - 20),
        _ => (1900 + year, month),
    };
    is_date(year, month, day) && dot(d, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == d[9]
}
