//! Swedish VAT number.
//!
//! An organisation number followed by 01.

use crate::validators::digits::{national, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<12>(number, " -.", "SE").is_some_and(|d| luhn::sums_to_zero(&d[..10]) && value(&d[10..]) == 1)
}
