//! Hungarian tax identification number of a person (adóazonosító jel).
//!
//! An 8, the days since 1867, a serial and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| d[0] == 8 && dot(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == d[9])
}
