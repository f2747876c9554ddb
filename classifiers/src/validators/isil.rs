//! International standard identifier for libraries (ISO 15511).
//!
//! A country or registered prefix, a hyphen and up to eleven characters. There is no check digit.

use crate::validators::countries;
use crate::validators::digits::compact;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, "") else { return false };
    let Some(at) = n.iter().position(|b| *b == b'-') else { return false };
    let (prefix, unit) = (&n[..at], &n[at + 1..]);
    let registered = countries::is_country(prefix) || [&b"OCLC"[..], b"ZDB", b"EUR", b"O", b"M"].contains(&prefix);
    registered && (1..=11).contains(&unit.len()) && unit.iter().all(|b| b.is_ascii_alphanumeric() || b"-/:".contains(b))
}
