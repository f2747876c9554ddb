//! United States employer number (EIN).
//!
//! A campus prefix that has been handed out and seven digits. There is no check digit.

use crate::validators::digits::{compact, digits, fixed, shape, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, "").is_some_and(|n| {
        let d = if shape(&n, "99-9999999") { digits::<9>(number, "-") } else { fixed::<9>(&n) };
        d.is_some_and(
            |d| !matches!(value(&d[..2]), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97),
        )
    })
}
