//! United States bank routing number (ABA RTN).
//!
//! Nine digits in an assigned range whose sum, weighted 3, 7, 1, ends in 0.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| {
        value(&d) > 0
            && matches!(value(&d[..2]), 0..=12 | 21..=32 | 61..=72 | 80)
            && dot(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    })
}
