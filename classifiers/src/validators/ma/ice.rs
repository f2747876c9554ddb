//! Moroccan common company identifier (ICE).
//!
//! Fifteen digits that are a multiple of 97.

use crate::validators::digits::{digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<15>(number, " -").is_some_and(|d| value(&d).is_multiple_of(97) && value(&d) > 0)
}
