//! Australian company number (ACN).
//!
//! Eight digits weighted 8 to 1 and a check modulo 10.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| (dot(&d, &[8, 7, 6, 5, 4, 3, 2, 1]) + d[8]).is_multiple_of(10))
}
