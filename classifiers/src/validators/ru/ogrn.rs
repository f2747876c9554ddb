//! Russian registration number (OGRN, OGRNIP).
//!
//! Thirteen digits for a company or fifteen for a sole trader; the last is the rest modulo 11 or 13.

use crate::validators::digits::{compact, fixed, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        fixed::<13>(&n).is_some_and(|d| matches!(d[0], 1 | 2 | 5..=9) && value(&d[..12]) % 11 % 10 == d[12])
            || fixed::<15>(&n).is_some_and(|d| matches!(d[0], 3 | 4) && value(&d[..14]) % 13 % 10 == d[14])
    })
}
