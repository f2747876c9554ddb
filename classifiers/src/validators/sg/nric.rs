//! Singaporean identity number (NRIC, FIN).
//!
//! A letter for status and century, seven digits and a check letter modulo 11.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let (9, Some(d)) = (n.len(), n.get(1..8).and_then(fixed::<7>)) else { return false };
        let sum = dot(&d, &[2, 7, 6, 5, 4, 3, 2]);
        let letter = match n[0] {
            b'S' => b"JZIHGFEDCBA"[(sum % 11) as usize],
            b'T' => b"JZIHGFEDCBA"[((sum + 4) % 11) as usize],
            b'F' => b"XWUTRQPNMLK"[(sum % 11) as usize],
            b'G' => b"XWUTRQPNMLK"[((sum + 4) % 11) as usize],
            b'M' => b"KLJNPQRTUWX"[10 - ((sum + 3) % 11) as usize],
            _ => return false,
        };
        letter == n[8]
    })
}
