//! Slovenian VAT number (DDV).
//!
//! Seven digits and a check modulo 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -", "SI").is_some_and(|d| {
        let check = 11 - dot(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11;
        d[0] != 0 && check < 11 && check % 10 == d[7]
    })
}
