//! Swiss payment reference (ESR, QR reference).
//!
//! Up to 27 digits with the recursive modulo 10 check.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const CARRY: [usize; 10] = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];
    compact(number, " ").is_some_and(|n| {
        let Some((last, body)) = n.split_last() else { return false };
        let carry = body.iter().fold(0, |c, b| CARRY[(c + usize::from(b.wrapping_sub(b'0'))) % 10]);
        is_digits(&n) && (2..=27).contains(&n.len()) && (10 - carry) % 10 == usize::from(last - b'0')
    })
}
