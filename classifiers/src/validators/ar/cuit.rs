//! Argentine tax number (CUIT, CUIL).
//!
//! A type of two digits, the identity or company number and a check modulo 11.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| {
        let check = match 11 - dot(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            11 => 0,
            10 => 9,
            other => other,
        };
        check == d[10] && matches!(value(&d[..2]), 20 | 23..=27 | 30 | 33 | 34 | 50 | 51 | 55)
    })
}
