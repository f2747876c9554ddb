//! Austrian company register number (Firmenbuchnummer).
//!
//! One to six digits and a check letter whose rule is not published, often after `FN`.

use crate::validators::digits::{compact, is_digits, strip};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./").is_some_and(|n| match strip(&n, "FN").split_last() {
        Some((last, body)) => last.is_ascii_uppercase() && is_digits(body) && body.len() <= 6,
        None => false,
    })
}
