//! Costa Rican foreign resident number (DIMEX).
//!
//! Eleven or twelve digits that begin with 1. There is no check digit.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| is_digits(&n) && matches!(n.len(), 11 | 12) && n[0] == b'1')
}
