//! Kenyan personal identification number (KRA PIN).
//!
//! `A` for people or `P` for others, nine digits and a letter. The check is not published.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| shape(&n, "A999999999A") && matches!(n[0], b'A' | b'P'))
}
