//! ISO/IEC 7064 MOD 11,10 check digit.
//!
//! The hybrid system for digits: products are taken modulo 11 and sums modulo 10.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether `text` is two digits or more with a right check digit.
pub(crate) fn passes(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    is_digits(text) && !body.is_empty() && (product(body) + u64::from(last - b'0')) % 10 == 1
}

/// The running product over the digits before the check digit.
fn product(body: &[u8]) -> u64 {
    body.iter().fold(10, |p, b| {
        let sum = (p + u64::from(b - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    })
}
