//! Norwegian organisation number.
//!
//! Eight digits and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " ").is_some_and(|d| passes(&d))
}

/// Whether the check digit is right.
pub(crate) fn passes(d: &[u64; 9]) -> bool {
    dot(d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}
