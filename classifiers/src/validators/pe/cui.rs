//! Peruvian identity card number (CUI, DNI).
//!
//! Eight digits and a check modulo 11 written as a digit or a letter.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some(d) = n.get(..8).and_then(fixed::<8>) else { return false };
        let rest = (dot(&d, &[3, 2, 7, 6, 5, 4, 3, 2]) % 11) as usize;
        match &n[8..] {
            [] => true,
            [check] => *check == b"65432110987"[rest] || *check == b"KJIHGFEDCBA"[rest],
            _ => false,
        }
    })
}
