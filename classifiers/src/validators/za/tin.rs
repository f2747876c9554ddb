//! South African tax number (TIN).
//!
//! Ten digits that begin with 0, 1, 2, 3 or 9, with a Luhn check.

use crate::validators::digits::digits;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -/").is_some_and(|d| matches!(d[0], 0..=3 | 9) && luhn::sums_to_zero(&d))
}
