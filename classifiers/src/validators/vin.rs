//! Vehicle identification number (ISO 3779, check digit of 49 CFR 565).
//!
//! Seventeen characters without I, O and Q; the ninth is a check modulo 11. European makers may leave the check out.

use crate::validators::digits::{compact, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const WEIGHTS: [u64; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let Some(n) = compact(number, " -") else { return false };
    if n.len() != 17 {
        return false;
    }
    let sum = n.iter().zip(WEIGHTS).try_fold(0, |sum, (b, w)| Some(sum + transliterate(*b)? * w));
    sum.is_some_and(|sum| within(n[8], "0123456789X") == Some(sum % 11)) && n.iter().any(|b| *b != n[0])
}

fn transliterate(b: u8) -> Option<u64> {
    match b {
        b'0'..=b'9' => Some(u64::from(b - b'0')),
        b'A'..=b'H' => Some(u64::from(b - b'A') + 1),
        b'J'..=b'N' => Some(u64::from(b - b'J') + 1),
        b'P' => Some(7),
        b'R' => Some(9),
        b'S'..=b'Z' => Some(u64::from(b - b'S') + 2),
        _ => None,
    }
}
