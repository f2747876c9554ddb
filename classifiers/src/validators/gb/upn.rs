//! English unique pupil number (UPN).
//!
//! A check letter modulo 23, the local authority, the school, the year and a serial.

use crate::validators::digits::{base36, compact, dot, fixed, value, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let (13, Some(first)) = (n.len(), n.first()) else { return false };
        let serial = n[12].is_ascii_digit() || n[12].is_ascii_uppercase();
        let Some(body) = fixed::<11>(&n[1..12]) else { return false };
        let Some(last) = base36(n[12]).and_then(|v| if v < 10 { Some(v) } else { within(n[12], LETTERS) }) else {
            return false;
        };
        let sum = dot(&body, &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) + last * 13;
        serial && value(&body[..3]) >= 201 && within(*first, LETTERS) == Some(sum % 23)
    })
}

const LETTERS: &str = "ABCDEFGHJKLMNPQRTUVWXYZ";
