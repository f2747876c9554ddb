//! ISO/IEC 7064 MOD 11-2 check character.
//!
//! Digits and a last character that may be `X` for 10; the weighted sum is 1 modulo 11.

use crate::validators::digits::{compact, is_digits, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether the digits of `text` and its check character agree.
pub(crate) fn passes(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let Some(check) = within(*last, "0123456789X") else { return false };
    is_digits(body) && (body.iter().fold(0, |sum, b| (sum + u64::from(b - b'0')) * 2 % 11) + check) % 11 == 1
}
