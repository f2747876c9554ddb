//! Portuguese tax number (NIF).
//!
//! Eight digits and a check modulo 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<9>(number, " -.", "PT")
        .is_some_and(|d| d[0] != 0 && (11 - dot(&d, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == d[8])
}
