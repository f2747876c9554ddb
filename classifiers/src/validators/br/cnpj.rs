//! Brazilian company number (CNPJ).
//!
//! Twelve characters, letters included since 2026, and two checks modulo 11; a character counts as its ASCII code less
//! 48.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const WEIGHTS: [u64; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    compact(number, " -./").is_some_and(|n| {
        let sum = |len: usize| {
            let weights = &WEIGHTS[13 - len..];
            let total: u64 = n[..len].iter().zip(weights).map(|(b, w)| u64::from(b - b'0') * w).sum();
            (11 - total % 11) % 11 % 10
        };
        shape(&n, "XXXXXXXXXXXX99")
            && n.iter().any(|b| *b != n[0])
            && sum(12) == u64::from(n[12] - b'0')
            && sum(13) == u64::from(n[13] - b'0')
    })
}
