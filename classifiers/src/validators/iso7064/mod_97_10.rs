//! ISO/IEC 7064 MOD 97-10 check digits.
//!
//! Letters count as 10 to 35; the whole number is 1 modulo 97.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| n.len() > 2 && remainder(n.iter()) == Some(1))
}

/// The characters, letters spelt out as two digits, modulo 97; `None` where one is neither digit nor letter.
pub(crate) fn remainder<'a>(mut text: impl Iterator<Item = &'a u8>) -> Option<u64> {
    text.try_fold(0, |r, b| {
        let v = base36(*b)?;
        Some((r * if v < 10 { 10 } else { 100 } + v) % 97)
    })
}
