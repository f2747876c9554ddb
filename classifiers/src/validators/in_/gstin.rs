//! Indian goods and services tax number (GSTIN).
//!
//! A state, a PAN, a serial, `Z` and a check character by Luhn in base 36.

use crate::validators::digits::{base36, compact, parse};

use crate::validators::in_::pan;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        if n.len() != 15 || !pan::passes(&n[2..12]) || n[13] != b'Z' || n[12] == b'0' {
            return false;
        }
        let state = parse(&n[..2]).is_some_and(|s| matches!(s, 1..=38 | 97 | 99));
        let doubled = n.iter().rev().enumerate().map(|(i, b)| base36(*b).unwrap_or(0) * (1 + i as u64 % 2));
        state && n.iter().all(|b| base36(*b).is_some()) && doubled.map(|v| v / 36 + v % 36).sum::<u64>() % 36 == 0
    })
}
