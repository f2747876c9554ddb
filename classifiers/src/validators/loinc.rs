//! LOINC code (clinical observations).
//!
//! One to seven digits, a hyphen and a Luhn check digit.

use crate::validators::digits::compact;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " ") else { return false };
    let Some(at) = n.len().checked_sub(2) else { return false };
    let mut all = [0; 8];
    if n[at] != b'-' || !(1..=7).contains(&at) {
        return false;
    }
    all[..at].copy_from_slice(&n[..at]);
    all[at] = n[at + 1];
    luhn::passes(&all[..=at])
}
