//! Ghanaian taxpayer identification number (TIN).
//!
//! A letter for the kind of taxpayer, nine digits and a check modulo 11, where `X` is 10.

use crate::validators::digits::{compact, dot, fixed, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let (Some(body), 11) = (n.get(1..10).and_then(fixed::<9>), n.len()) else { return false };
        let rest = dot(&body, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11;
        b"PCGQV".contains(&n[0]) && within(n[10], "0123456789X") == Some(rest)
    })
}
