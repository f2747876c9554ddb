//! Estonian VAT number (KMKR).
//!
//! Nine digits whose sum, weighted 3, 7, 1, ends in 0.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<9>(number, " -", "EE").is_some_and(|d| dot(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10))
}
