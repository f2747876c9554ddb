//! Israeli identity number (mispar zehut).
//!
//! Up to nine digits, padded with zeros, with a Luhn check.

use crate::validators::digits::{compact, unpadded, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -")
        .is_some_and(|n| n.len() >= 5 && unpadded::<9>(&n).is_some_and(|d| luhn::sums_to_zero(&d) && value(&d) > 0))
}
