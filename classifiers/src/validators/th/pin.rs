//! Thai personal identity number (PIN).
//!
//! Thirteen digits that begin with 1 to 8, with a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " -").is_some_and(|d| (1..=8).contains(&d[0]) && passes(&d))
}

/// Whether the check digit is right.
pub(crate) fn passes(d: &[u64; 13]) -> bool {
    (11 - dot(d, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10 == d[12]
}
