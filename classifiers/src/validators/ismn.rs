//! International standard music number (ISO 10957).
//!
//! Thirteen digits that begin with 979-0, or the older form with `M` in place of that prefix.

use crate::validators::digits::compact;
use crate::validators::ean;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " -") else { return false };
    let mut long = *b"9790000000000";
    match n.len() {
        10 if n[0] == b'M' => long[4..].copy_from_slice(&n[1..]),
        13 if n.starts_with(b"9790") => long.copy_from_slice(&n),
        _ => return false,
    }
    ean::passes(&long)
}
