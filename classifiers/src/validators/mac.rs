//! MAC address (IEEE EUI-48).
//!
//! Six pairs of hexadecimal digits joined by colons or hyphens. Group addresses name no device and are refused.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, "") else { return false };
    let pairs = n.len() == 17 && n.chunks(3).all(|c| c[..2].iter().all(u8::is_ascii_hexdigit));
    let joined = |with: u8| n.chunks_exact(3).all(|c| c[2] == with);
    pairs && (joined(b':') || joined(b'-')) && base36(n[1]).is_some_and(|low| low % 2 == 0)
}
