//! Argentine national identity number (DNI).
//!
//! Seven or eight digits without a check digit.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " .").is_some_and(|n| is_digits(&n) && (7..=8).contains(&n.len()))
}
