//! United States social security number (SSN).
//!
//! Area, group and serial, none of them zero; area 666 and those from 900 are not issued, and some numbers were
//! published.

use crate::validators::digits::{compact, digits, fixed, shape, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    grouped(number).is_some_and(|d| {
        !matches!(value(&d[..3]), 0 | 666 | 900..)
            && value(&d[3..5]) > 0
            && value(&d[5..]) > 0
            && !matches!(value(&d), 78_051_120 | 219_099_999 | 457_555_462)
    })
}

/// Nine digits together or in groups of 3, 2 and 4 with the same separator.
pub(crate) fn grouped(number: &str) -> Option<[u64; 9]> {
    let n = compact(number, "")?;
    if shape(&n, "999-99-9999") || shape(&n, "999 99 9999") { digits::<9>(number, " -") } else { fixed::<9>(&n) }
}
