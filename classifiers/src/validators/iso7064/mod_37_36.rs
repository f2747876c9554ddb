//! ISO/IEC 7064 MOD 37,36 check character.
//!
//! The hybrid system for digits and letters: products are taken modulo 37 and sums modulo 36.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether `text` is two characters or more with a right check character.
pub(crate) fn passes(text: &[u8]) -> bool {
    let Some((last, body)) = text.split_last() else { return false };
    let product = body.iter().try_fold(36, |p, b| {
        let sum = (p + base36(*b)?) % 36;
        Some((if sum == 0 { 36 } else { sum }) * 2 % 37)
    });
    !body.is_empty() && matches!((product, base36(*last)), (Some(p), Some(check)) if (p + check) % 36 == 1)
}
