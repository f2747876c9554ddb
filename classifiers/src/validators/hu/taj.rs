//! Hungarian social security number (TAJ).
//!
//! Eight digits weighted 3 and 7 and a check modulo 10.

use crate::validators::digits::{digits, dot, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -").is_some_and(|d| dot(&d, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == d[8] && !repeats(&d))
}
