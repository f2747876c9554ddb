//! Thai company number (memorandum of association).
//!
//! Thirteen digits that begin with 0, with the check of a personal number.

use crate::validators::digits::digits;

use crate::validators::th::pin;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " -").is_some_and(|d| d[0] == 0 && pin::passes(&d))
}
