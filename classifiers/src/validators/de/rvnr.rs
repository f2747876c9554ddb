//! German pension insurance number (RVNR).
//!
//! Area, date of birth, first letter of the birth name, serial and a check modulo 10 over the digit sums of the
//! products; a letter counts as two digits (VKVV, section 4).

use crate::validators::digits::{compact, fixed, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const WEIGHTS: [u64; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let Some(n) = compact(number, " ") else { return false };
    if n.len() != 12 || !n[8].is_ascii_uppercase() || !is_digits(&n[9..]) {
        return false;
    }
    let letter = u64::from(n[8] - b'A') + 1;
    let (Some(before), Some(after)) = (fixed::<8>(&n[..8]), fixed::<3>(&n[9..])) else { return false };
    let digits = before.into_iter().chain([letter / 10, letter % 10]).chain(after);
    let sum: u64 = digits.zip(WEIGHTS).map(|(d, w)| d * w / 10 + d * w % 10).sum();
    sum % 10 == after[2]
}
