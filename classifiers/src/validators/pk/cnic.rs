//! Pakistani national identity card number (CNIC).
//!
//! Province, place, serial and a digit for the sex. The check is not published.

use crate::validators::digits::digits;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, "-").is_some_and(|d| (1..=7).contains(&d[0]) && d[12] != 0)
}
