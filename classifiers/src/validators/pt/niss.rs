//! Portuguese social security number (NISS).
//!
//! Ten digits weighted with the primes from 29 down and a check modulo 10.

use crate::validators::digits::{digits, dot, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| {
        let sum = dot(&d, &[29, 23, 19, 17, 13, 11, 7, 5, 3, 2]);
        matches!(d[0], 1 | 2) && 9 - sum % 10 == d[10] && !repeats(&d)
    })
}
