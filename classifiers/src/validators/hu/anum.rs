//! Hungarian tax number (adószám).
//!
//! Eight digits whose sum, weighted 9, 7, 3, 1, ends in 0.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -", "HU").is_some_and(|d| dot(&d, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10))
}
