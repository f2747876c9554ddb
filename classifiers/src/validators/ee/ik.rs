//! Estonian personal code (isikukood).
//!
//! Sex and century, date of birth, serial and a two-stage check modulo 11.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| dated(&d) && check(&d) == d[10])
}

/// Whether the first digit gives a century in which the date is one.
pub(crate) fn dated(d: &[u64; 11]) -> bool {
    let century = match d[0] {
        1..=8 => 1800 + (d[0] - 1) / 2 * 100,
        _ => return false,
    };
    is_date(century + value(&d[1..3]), value(&d[3..5]), value(&d[5..7]))
}

/// The check digit Estonia and Lithuania share.
pub(crate) fn check(d: &[u64; 11]) -> u64 {
    match dot(d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11 {
        10 => dot(d, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10,
        check => check,
    }
}
