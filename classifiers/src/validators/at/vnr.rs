//! Austrian social insurance number (VNR).
//!
//! A serial of three digits, a check digit modulo 11 and the date of birth, whose month may exceed 12 when a day is
//! full.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -./").is_some_and(|d| {
        d[0] != 0
            && dot(&d, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11 == d[3]
            && (1..=31).contains(&value(&d[4..6]))
            && (1..=16).contains(&value(&d[6..8]))
    })
}
