//! SNOMED CT identifier.
//!
//! Six to eighteen digits: an item, a two-digit partition that says what it names, and a Verhoeff digit.

use crate::validators::digits::compact;
use crate::validators::verhoeff;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, "").is_some_and(|n| {
        (6..=18).contains(&n.len())
            && n[0] != b'0'
            && verhoeff::passes(&n)
            && matches!(&n[n.len() - 3..n.len() - 1], [b'0' | b'1', b'0'..=b'5'])
    })
}
