//! German tax office number (Steuernummer).
//!
//! Ten or eleven digits as the states write them, or thirteen in the federal form with a 0 in fifth place.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./,").is_some_and(|n| {
        is_digits(&n)
            && match n.len() {
                10 | 11 => true,
                13 => n[4] == b'0' && is_state(&n),
                _ => false,
            }
    })
}

/// The state a number in the federal form begins with.
fn is_state(n: &[u8]) -> bool {
    matches!(n, [b'1' | b'3' | b'4' | b'5' | b'9', ..] | [b'2', b'1'..=b'4' | b'6'..=b'8', ..])
}
