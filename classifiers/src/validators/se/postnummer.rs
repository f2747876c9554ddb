//! Swedish postal code.
//!
//! Five digits of which the first is not 0.

use crate::validators::digits::national;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<5>(number, " -", "SE").is_some_and(|d| d[0] != 0)
}
