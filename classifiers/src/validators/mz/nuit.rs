//! Mozambican tax number (NUIT).
//!
//! Eight digits and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -.")
        .is_some_and(|d| [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1][(dot(&d, &[8, 9, 4, 5, 6, 7, 8, 9]) % 11) as usize] == d[8])
}
