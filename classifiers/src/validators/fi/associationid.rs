//! Finnish association registry number.
//!
//! One to six digits without a check digit.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -._+").is_some_and(|n| is_digits(&n) && n.len() <= 6)
}
