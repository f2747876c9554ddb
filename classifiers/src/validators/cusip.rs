//! CUSIP number (North American securities).
//!
//! Eight characters and a check digit: every second value is doubled and the digit sums are added modulo 10.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ")
        .is_some_and(|n| n.len() == 9 && n[8].is_ascii_digit() && check(&n[..8]) == Some(u64::from(n[8] - b'0')))
}

fn check(body: &[u8]) -> Option<u64> {
    let mut sum = 0;
    for (i, b) in body.iter().enumerate() {
        let v = match b {
            b'*' => 36,
            b'@' => 37,
            b'#' => 38,
            _ => base36(*b)?,
        } * (1 + i as u64 % 2);
        sum += v / 10 + v % 10;
    }
    Some((10 - sum % 10) % 10)
}
