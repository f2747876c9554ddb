//! Damm check digit.
//!
//! A walk through a totally anti-symmetric quasigroup of order 10 that must end in 0 (H. M. Damm, 2004).

use crate::validators::digits::{compact, is_digits};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        is_digits(&n) && n.iter().fold(0, |row, b| usize::from(STEP[row][usize::from(b - b'0')] - b'0')) == 0
    })
}

const STEP: [&[u8; 10]; 10] = [
    b"0317598642",
    b"7092154863",
    b"4206871359",
    b"1750983426",
    b"6123045978",
    b"3674209581",
    b"5869720134",
    b"8945362017",
    b"9438617205",
    b"2581436790",
];
