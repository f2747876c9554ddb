//! Senegalese company number (NINEA).
//!
//! Seven or nine digits with a check modulo 10, with or without the three characters of the tax regime (COFI).

use crate::validators::digits::{compact, dot, unpadded};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -/,").is_some_and(|n| {
        let (body, regime) = match n.len() {
            7 | 9 => (&n[..], None),
            10 => (&n[..7], Some(&n[7..])),
            12 => (&n[..9], Some(&n[9..])),
            _ => return false,
        };
        let cofi = regime.is_none_or(|r| {
            matches!(r[0], b'0'..=b'2') && b"ABCDEFGHJKLMNPQRSTUVWZ".contains(&r[1]) && r[2].is_ascii_digit()
        });
        cofi && unpadded::<9>(body).is_some_and(|d| dot(&d, &[1, 2, 1, 2, 1, 2, 1, 2, 1]).is_multiple_of(10))
    })
}
