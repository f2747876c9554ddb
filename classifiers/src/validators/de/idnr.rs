//! German tax identification number (IdNr).
//!
//! Ten digits of which exactly one occurs twice or three times, and a MOD 11,10 check.

use crate::validators::digits::compact;
use crate::validators::iso7064::mod_11_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./").is_some_and(|n| {
        let mut counts = [0u8; 10];
        n.iter().take(10).filter(|b| b.is_ascii_digit()).for_each(|b| counts[usize::from(b - b'0')] += 1);
        let repeated = || counts.iter().filter(|c| **c > 1);
        n.len() == 11 && n[0] != b'0' && mod_11_10::passes(&n) && repeated().count() == 1 && repeated().all(|c| *c <= 3)
    })
}
