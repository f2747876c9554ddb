//! German health insurance number (KVNR).
//!
//! A letter, eight digits and a Luhn-like check with 1 and 2 from the left, where the letter counts as two digits.

use crate::validators::digits::{compact, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((letter @ b'A'..=b'Z', tail)) = n.split_first() else { return false };
        let Some(tail) = fixed::<9>(tail) else { return false };
        let letter = u64::from(letter - b'A') + 1;
        let all = [letter / 10, letter % 10].into_iter().chain(tail[..8].iter().copied());
        let sum: u64 = all.enumerate().map(|(i, d)| if i % 2 == 0 { d } else { d * 2 / 10 + d * 2 % 10 }).sum();
        sum % 10 == tail[8]
    })
}
