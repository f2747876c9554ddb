//! Dutch citizen service number (BSN).
//!
//! Up to nine digits weighted 9 to 2 and -1; the sum is a multiple of 11.

use crate::validators::digits::{compact, dot, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| n.len() >= 8 && passes(&n))
}

/// Whether up to nine digits pass the eleven test.
pub(crate) fn passes(n: &[u8]) -> bool {
    unpadded::<9>(n).is_some_and(|d| {
        // 10 is -1 modulo 11.
        value(&d) > 0 && dot(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
    })
}
