//! Uruguayan tax number (RUT).
//!
//! A kind of taxpayer, six digits, 001 and a check modulo 11.

use crate::validators::digits::{compact, dot, fixed, strip, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        fixed::<12>(strip(&n, "UY")).is_some_and(|d| {
            (1..=22).contains(&value(&d[..2]))
                && value(&d[2..8]) > 0
                && value(&d[8..11]) == 1
                && (11 - dot(&d, &[4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[11]
        })
    })
}
