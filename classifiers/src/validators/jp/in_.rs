//! Japanese individual number (My Number).
//!
//! Eleven digits and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<12>(number, " -").is_some_and(|d| {
        let rest = dot(&d, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        d[11] == if rest <= 1 { 0 } else { 11 - rest }
    })
}
