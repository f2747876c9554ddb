//! Bulgarian personal number of a foreigner (PNF).
//!
//! Nine digits and a check modulo 10.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -.").is_some_and(|d| passes(&d))
}

/// Whether the check digit is right.
pub(crate) fn passes(d: &[u64; 10]) -> bool {
    dot(d, &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == d[9]
}
