//! Polish personal number (PESEL).
//!
//! Date of birth with the century in the month, a serial and a check modulo 10.

use crate::validators::digits::{digits, dot, is_date, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| {
        let month = value(&d[2..4]);
        let century = [1900, 2000, 2100, 2200, 1800][(month / 20) as usize % 5];
        let born = is_date(century + value(&d[..2]), month % 20, value(&d[4..6]));
        born && (dot(&d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) + d[10]).is_multiple_of(10)
    })
}
