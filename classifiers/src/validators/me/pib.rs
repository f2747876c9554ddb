//! Montenegrin tax number (PIB).
//!
//! Seven digits and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<8>(number, " ").is_some_and(|d| (11 - dot(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == d[7])
}
