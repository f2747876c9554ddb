//! Australian tax file number (TFN).
//!
//! Eight or nine digits whose weighted sum is a multiple of 11.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " -") else { return false };
    let sum = match n.len() {
        8 => fixed::<8>(&n).map(|d| dot(&d, &[10, 7, 8, 4, 6, 3, 5, 1])),
        9 => fixed::<9>(&n).map(|d| dot(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10])),
        _ => None,
    };
    sum.is_some_and(|s| s > 0 && s % 11 == 0)
}
