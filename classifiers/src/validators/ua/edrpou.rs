//! Ukrainian company number (EDRPOU).
//!
//! Seven digits and a check modulo 11 whose weights depend on the range.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<8>(number, " ").is_some_and(|d| {
        let weights = if matches!(d[0], 3..=5) { [7, 1, 2, 3, 4, 5, 6] } else { [1, 2, 3, 4, 5, 6, 7] };
        let check = match dot(&d, &weights) % 11 {
            10 => dot(&d, &weights.map(|w| w + 2)) % 11 % 10,
            check => check,
        };
        check == d[7]
    })
}
