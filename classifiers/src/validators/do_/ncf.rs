//! Dominican receipt number (NCF).
//!
//! A series, the type of document and a serial: eleven characters since 2018, thirteen for electronic ones, nineteen
//! before.

use crate::validators::digits::{compact, is_digits, parse};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some((first, body)) = n.split_first() else { return false };
        let kind = |at: usize| body.get(at..at + 2).and_then(parse).unwrap_or(0);
        is_digits(body)
            && match (first, n.len()) {
                (b'B', 11) => matches!(kind(0), 1..=4 | 11..=17),
                (b'E', 13) => matches!(kind(0), 31..=34 | 41 | 43..=47),
                (b'A' | b'P', 19) => matches!(kind(8), 1..=4 | 11..=15),
                _ => false,
            }
    })
}
