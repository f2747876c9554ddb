//! Italian VAT number (partita IVA).
//!
//! Seven digits, the province of the office and a Luhn check.

use crate::validators::digits::{compact, fixed, strip, value};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -:").is_some_and(|n| passes(strip(&n, "IT")))
}

/// Whether eleven digits have an office and a right check.
pub(crate) fn passes(n: &[u8]) -> bool {
    fixed::<11>(n).is_some_and(|d| {
        luhn::sums_to_zero(&d) && value(&d[..7]) > 0 && matches!(value(&d[7..10]), 1..=100 | 120 | 121 | 888 | 999)
    })
}
