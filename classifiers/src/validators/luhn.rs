//! Luhn check digit (ISO/IEC 7812-1 Annex B).
//!
//! Every second digit from the right is doubled and reduced to its digit sum; the total ends in 0.

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether `text` is digits whose Luhn sum ends in 0.
pub(crate) fn passes(text: &[u8]) -> bool {
    is_digits(text) && checksum(text.iter().map(|b| u64::from(b - b'0'))) == 0
}

/// As [`passes`], over digit values.
pub(crate) fn sums_to_zero(digits: &[u64]) -> bool {
    checksum(digits.iter().copied()) == 0
}

/// The Luhn sum of all digits, modulo 10, with the last digit counted once.
pub(crate) fn checksum(digits: impl DoubleEndedIterator<Item = u64>) -> u64 {
    let doubled = |d: u64| d * 2 / 10 + d * 2 % 10;
    digits.rev().enumerate().map(|(i, d)| if i % 2 == 1 { doubled(d) } else { d }).sum::<u64>() % 10
}
