//! Financial instrument global identifier.
//!
//! Two consonants, `G`, eight characters without vowels and a check digit; some country-like prefixes are barred.

use crate::validators::digits::{base36, compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        shape(&n, "AAGXXXXXXXX9")
            && !["BS", "BM", "GG", "GB", "GH", "KY", "VG"].iter().any(|p| n.starts_with(p.as_bytes()))
            && !n.iter().any(|b| b"AEIOU".contains(b))
            && check(&n[..11]) == u64::from(n[11] - b'0')
    })
}

fn check(body: &[u8]) -> u64 {
    let doubled = body.iter().enumerate().map(|(i, b)| base36(*b).unwrap_or(0) * (1 + i as u64 % 2));
    (10 - doubled.map(|v| v / 10 + v % 10).sum::<u64>() % 10) % 10
}
