//! Romanian company number (CUI).
//!
//! Up to nine digits and a check modulo 11.

use crate::validators::digits::{compact, dot, strip, unpadded};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(strip(&n, "RO")))
}

/// Whether two to ten digits have a right check.
pub(crate) fn passes(n: &[u8]) -> bool {
    n.len() >= 2
        && n[0] != b'0'
        && unpadded::<10>(n).is_some_and(|d| dot(&d, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10 == d[9])
}
