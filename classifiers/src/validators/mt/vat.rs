//! Maltese VAT number.
//!
//! Six digits and two check digits modulo 37.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -", "MT")
        .is_some_and(|d| d[0] != 0 && dot(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37))
}
