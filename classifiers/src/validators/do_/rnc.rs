//! Dominican tax number (RNC).
//!
//! Eight digits and a check derived modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| {
        let rest = dot(&d, &[7, 9, 8, 6, 5, 4, 3, 2]) % 11;
        (10 - rest) % 9 + 1 == d[8]
    })
}
