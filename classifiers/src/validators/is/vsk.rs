//! Icelandic VAT number (VSK).
//!
//! Five or six digits without a check.

use crate::validators::digits::{compact, is_digits, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "IS");
        is_digits(n) && matches!(n.len(), 5 | 6)
    })
}
