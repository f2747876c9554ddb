//! International article number (EAN, UPC, GTIN).
//!
//! Eight, twelve, thirteen or fourteen digits weighted 1 and 3 from the right.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| matches!(n.len(), 8 | 12 | 13 | 14) && passes(&n))
}

/// Whether `text` is digits whose sum, weighted 1 and 3 from the right, ends in 0.
pub(crate) fn passes(text: &[u8]) -> bool {
    is_digits(text)
        && text.iter().rev().enumerate().map(|(i, b)| u64::from(b - b'0') * (1 + i as u64 % 2 * 2)).sum::<u64>() % 10
            == 0
}
