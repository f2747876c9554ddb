//! Australian Medicare card number.
//!
//! Eight digits weighted modulo 10, a check digit, the issue and, optionally, the person on the card.

use crate::validators::digits::{compact, dot, fixed, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -/").is_some_and(|n| {
        matches!(n.len(), 10 | 11)
            && is_digits(&n)
            && n[9] != b'0'
            && fixed::<9>(&n[..9])
                .is_some_and(|d| (2..=6).contains(&d[0]) && dot(&d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == d[8])
    })
}
