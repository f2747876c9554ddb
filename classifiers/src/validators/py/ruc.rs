//! Paraguayan tax number (RUC).
//!
//! Up to eight digits and a check modulo 11.

use crate::validators::digits::{compact, dot, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        n.len() >= 5
            && unpadded::<9>(&n)
                .is_some_and(|d| (11 - dot(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == d[8] && value(&d) > 0)
    })
}
