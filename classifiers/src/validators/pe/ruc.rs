//! Peruvian tax number (RUC).
//!
//! A kind of taxpayer, eight digits and a check modulo 11.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " ").is_some_and(|d| {
        matches!(value(&d[..2]), 10 | 15..=17 | 20)
            && (11 - dot(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10 == d[10]
    })
}
