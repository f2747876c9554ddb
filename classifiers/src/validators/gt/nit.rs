//! Guatemalan tax number (NIT).
//!
//! Up to eleven digits and a check modulo 11, where `K` is 10.

use crate::validators::digits::{compact, dot, unpadded, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((last, body)) = n.split_last() else { return false };
        let Some(d) = unpadded::<11>(body) else { return false };
        let sum = dot(&d, &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
        within(*last, "0123456789K") == Some((11 - sum % 11) % 11)
    })
}
