//! Verhoeff check digit.
//!
//! Multiplication in the dihedral group D5 with a position-dependent permutation (J. Verhoeff, 1969).

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether `text` is digits whose Verhoeff product is the neutral element.
pub(crate) fn passes(text: &[u8]) -> bool {
    is_digits(text)
        && text.iter().rev().enumerate().fold(0, |c, (i, b)| multiply(c, permute(i % 8, usize::from(b - b'0')))) == 0
}

/// The product of two elements of D5: 0 to 4 are rotations, 5 to 9 reflections.
fn multiply(a: usize, b: usize) -> usize {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => 5 + (a + b - 5) % 5,
        (false, true) => 5 + (a - b) % 5,
        (false, false) => (5 + a - b) % 5,
    }
}

/// Applies the base permutation `times` over.
fn permute(times: usize, digit: usize) -> usize {
    const BASE: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    (0..times).fold(digit, |d, _| BASE[d])
}
