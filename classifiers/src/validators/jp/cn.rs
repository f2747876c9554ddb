//! Japanese corporate number.
//!
//! A check digit modulo 9 followed by twelve digits.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " -").is_some_and(|d| 9 - dot(&d[1..], &[2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]) % 9 == d[0])
}
