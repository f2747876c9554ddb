//! European energy identification code (EIC).
//!
//! Fifteen characters weighted 16 to 2 with `-` as 36, and a check character modulo 37 that is never a hyphen.

use crate::validators::digits::{base36, compact};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let symbol = |b: u8| if b == b'-' { Some(36) } else { base36(b) };
        let sum = n.iter().take(15).zip((2..=16).rev()).try_fold(0, |sum, (b, w)| Some(sum + symbol(*b)? * w));
        n.len() == 16 && n[15] != b'-' && sum.is_some_and(|s: u64| symbol(n[15]) == Some(36 - (s + 36) % 37))
    })
}
