//! Romanian personal number (CNP).
//!
//! Sex and century, date of birth, county, serial and a check modulo 11.

use crate::validators::digits::{compact, dot, fixed, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether thirteen digits have a date, a county and a right check.
pub(crate) fn passes(n: &[u8]) -> bool {
    fixed::<13>(n).is_some_and(|d| {
        let century = match d[0] {
            1 | 2 | 7..=9 => 1900,
            3 | 4 => 1800,
            5 | 6 => 2000,
            _ => return false,
        };
        let county = matches!(value(&d[7..9]), 1..=48 | 51 | 52 | 70 | 80..=83);
        let check = match dot(&d, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            other => other,
        };
        is_date(century + value(&d[1..3]), value(&d[3..5]), value(&d[5..7])) && county && check == d[12]
    })
}
