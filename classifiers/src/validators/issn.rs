//! International standard serial number (ISO 3297).
//!
//! Seven digits and a check modulo 11, where `X` is 10.

use crate::validators::digits::{compact, dot, fixed, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    let Some(n) = compact(number, " -") else { return false };
    let (Some(body), 8) = (n.get(..7).and_then(fixed::<7>), n.len()) else { return false };
    within(n[7], "0123456789X").is_some_and(|check| (dot(&body, &[8, 7, 6, 5, 4, 3, 2]) + check).is_multiple_of(11))
}
