//! International standard book number (ISO 2108).
//!
//! Ten digits with a check modulo 11 (`X` is 10), nine of the older SBN, or thirteen that begin with 978 or 979 and
//! pass as an EAN.

use crate::validators::digits::{compact, dot, fixed, within};
use crate::validators::ean;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| match n.len() {
        9 => modulo_11(&[b"0", &n[..]].concat()),
        10 => modulo_11(&n),
        13 => (n.starts_with(b"978") || n.starts_with(b"979")) && ean::passes(&n),
        _ => false,
    })
}

fn modulo_11(n: &[u8]) -> bool {
    let Some(body) = fixed::<9>(&n[..9]) else { return false };
    within(n[9], "0123456789X")
        .is_some_and(|check| (dot(&body, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11))
}
