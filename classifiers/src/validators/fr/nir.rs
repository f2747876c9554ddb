//! French social security number (NIR, INSEE number).
//!
//! Sex, year and month of birth, place, serial and 97 minus the rest modulo 97; Corsica writes 2A and 2B.

use crate::validators::digits::{compact, fixed, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let Some(n) = n.first_chunk::<15>().filter(|_| n.len() == 15) else { return false };
        let mut plain = *n;
        match &n[5..7] {
            b"2A" => plain[5..7].copy_from_slice(b"19"),
            b"2B" => plain[5..7].copy_from_slice(b"18"),
            _ => {}
        }
        fixed::<15>(&plain)
            .is_some_and(|d| matches!(d[0], 1..=4 | 7 | 8) && 97 - value(&d[..13]) % 97 == value(&d[13..]))
    })
}
