//! Algerian tax number (NIF).
//!
//! Fifteen or twenty digits. There is no published check.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| is_digits(&n) && matches!(n.len(), 15 | 20))
}
