//! Swiss enterprise identifier (UID).
//!
//! `CHE` and nine digits with a check modulo 11.

use crate::validators::digits::{compact, dot, fixed, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| passes(&n))
}

/// Whether the digits after `CHE` pass.
pub(crate) fn passes(n: &[u8]) -> bool {
    fixed::<9>(strip(n, "CHE")).is_some_and(|d| (11 - dot(&d, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == d[8])
}
