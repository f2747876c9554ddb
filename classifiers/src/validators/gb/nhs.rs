//! United Kingdom NHS number.
//!
//! Nine digits and a check modulo 11; a check of 10 is never issued.

use crate::validators::digits::{digits, dot, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -")
        .is_some_and(|d| (11 - dot(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == d[9] && !repeats(&d))
}
