//! Finnish VAT number (ALV).
//!
//! Eight digits whose weighted sum is a multiple of 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -", "FI").is_some_and(|d| passes(&d))
}

/// Whether seven digits are followed by their check.
pub(crate) fn passes(d: &[u64; 8]) -> bool {
    dot(d, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11)
}
