//! Irish personal public service number (PPS).
//!
//! Seven digits, a check letter modulo 23 and a second letter that is weighted in numbers issued since 2013.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether seven digits are followed by their check letter and a second letter that may follow it.
pub(crate) fn passes(n: &[u8]) -> bool {
    let Some(body) = n.get(..7).and_then(fixed::<7>) else { return false };
    let extra = match n.get(8..) {
        Some([]) | Some([b'T' | b'W' | b'X']) => Some(0),
        Some([second @ b'A'..=b'I']) => Some(u64::from(second - b'A') + 1),
        _ => None,
    };
    extra.is_some_and(|e| check(&body, e) == n.get(7).copied())
}

/// The check letter for seven digits and the value of the letter after it.
pub(crate) fn check(body: &[u64; 7], extra: u64) -> Option<u8> {
    let sum = dot(body, &[8, 7, 6, 5, 4, 3, 2]) + 9 * extra;
    b"WABCDEFGHIJKLMNOPQRSTUV".get((sum % 23) as usize).copied()
}
