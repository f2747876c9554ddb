//! Kazakh individual identification number (IIN).
//!
//! Date of birth, century and sex, serial and a check modulo 11, taken with other weights where it comes to 10.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<12>(number, " ").is_some_and(|d| {
        let check = match dot(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) % 11 {
            10 => dot(&d, &[3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]) % 11,
            check => check,
        };
        let century = match d[6] {
            1 | 2 => 1800,
            3 | 4 => 1900,
            5 | 6 => 2000,
            _ => return false,
        };
        is_date(century + value(&d[..2]), value(&d[2..4]), value(&d[4..6])) && check == d[11]
    })
}
