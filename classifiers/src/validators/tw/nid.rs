//! Taiwanese identity number.
//!
//! A letter that stands for two digits, the sex or the kind of resident, serial and a check modulo 10.

use crate::validators::digits::{compact, dot, fixed, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    // In the order of the numbers from 10 that the letters stand for.
    const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(n) = compact(number, " -") else { return false };
    let Some((first, rest)) = n.split_first() else { return false };
    let (Some(letter), Some(d)) = (within(*first, LETTERS), fixed::<9>(rest)) else { return false };
    let letter = letter + 10;
    let sum = letter / 10 + letter % 10 * 9 + dot(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(d[0], 1 | 2 | 8 | 9) && sum.is_multiple_of(10)
}
