//! Business identifier code (ISO 9362, SWIFT code).
//!
//! Four letters, a country, two characters of location and an optional branch of three. There is no check digit.

use crate::validators::countries;
use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        (shape(&n, "AAAAAAXX") || shape(&n, "AAAAAAXXXXX"))
            && (countries::is_country(&n[4..6]) || &n[4..6] == b"XK" || &n[4..6] == b"EU")
    })
}
