//! Danish company number (CVR).
//!
//! Eight digits whose weighted sum is a multiple of 11.

use crate::validators::digits::{dot, national};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    national::<8>(number, " -.,/:", "DK")
        .is_some_and(|d| d[0] != 0 && dot(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}
