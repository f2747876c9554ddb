//! Luxembourgish VAT number (TVA).
//!
//! Six digits and their rest modulo 89.

use crate::validators::digits::{national, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -:.", "LU").is_some_and(|d| value(&d[..6]) % 89 == value(&d[6..]))
}
