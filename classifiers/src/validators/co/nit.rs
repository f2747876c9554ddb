//! Colombian tax number (NIT).
//!
//! Up to fifteen digits weighted by primes, and a check modulo 11.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const PRIMES: [u64; 15] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67, 71];
    compact(number, " -.,").is_some_and(|n| {
        if !(8..=16).contains(&n.len()) || !is_digits(&n) {
            return false;
        }
        let body = n[..n.len() - 1].iter().rev().zip(PRIMES);
        let sum: u64 = body.map(|(b, w)| u64::from(b - b'0') * w).sum();
        n[n.len() - 1] == b"01987654321"[(sum % 11) as usize]
    })
}
