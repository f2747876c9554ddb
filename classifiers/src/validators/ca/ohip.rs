//! Ontario health card number (OHIP).
//!
//! Ten digits with a Luhn check, with or without a version of one or two letters.

use crate::validators::digits::compact;
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((body, version)) = n.split_at_checked(10) else { return false };
        luhn::passes(body) && body[0] != b'0' && version.len() <= 2 && version.iter().all(u8::is_ascii_uppercase)
    })
}
