//! Polish tax number (NIP).
//!
//! Nine digits and a check modulo 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<10>(number, " -", "PL").is_some_and(|d| dot(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == d[9])
}
