//! Slovak birth number (rodné číslo).
//!
//! The same as the Czech birth number.

use crate::validators::cz::rc;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    rc::is_valid(number)
}
