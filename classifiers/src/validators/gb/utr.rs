//! United Kingdom unique taxpayer reference (UTR).
//!
//! A check digit modulo 11 followed by nine digits, with or without a trailing `K`.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let n = n.strip_suffix(b"K").or_else(|| n.strip_prefix(b"K")).unwrap_or(&n);
        fixed::<10>(n).is_some_and(|d| {
            let rest = dot(&d[1..], &[6, 7, 8, 9, 10, 5, 4, 3, 2]) % 11;
            n[0] == b"21987654321"[rest as usize]
        })
    })
}
