//! ISO/IEC 7064 MOD 37-2 check character.
//!
//! Digits and letters, with `*` for 36 as a possible last character; the weighted sum is 1 modulo 37.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether the characters of `text` and its check character agree.
pub(crate) fn passes(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let check = if *last == b'*' { Some(36) } else { base36(*last) };
    let sum = body.iter().try_fold(0, |sum, b| Some((sum + base36(*b)?) * 2 % 37));
    !body.is_empty() && matches!((sum, check), (Some(sum), Some(check)) if (sum + check) % 37 == 1)
}
