//! Venezuelan tax number (RIF).
//!
//! A letter for the kind of taxpayer, eight digits and a check modulo 11.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let (10, Some(d)) = (n.len(), n.get(1..).and_then(fixed::<9>)) else { return false };
        let kind = match n[0] {
            b'V' => 4,
            b'E' => 8,
            b'J' | b'C' => 12,
            b'P' => 16,
            b'G' => 20,
            _ => return false,
        };
        let rest = (kind + dot(&d, &[3, 2, 7, 6, 5, 4, 3, 2])) % 11;
        n[9] == b"00987654321"[rest as usize]
    })
}
