//! Moldovan company number (IDNO).
//!
//! Twelve digits and a check modulo 10 with weights 7, 3, 1.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " ").is_some_and(|d| dot(&d, &[7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1]) % 10 == d[12])
}
