//! North Macedonian tax number (EDB).
//!
//! Twelve digits and a check modulo 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let latin = number.trim();
    let latin = latin.strip_prefix("МК").unwrap_or(latin);
    national::<13>(latin, " -", "MK")
        .is_some_and(|d| (11 - dot(&d, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == d[12])
}
