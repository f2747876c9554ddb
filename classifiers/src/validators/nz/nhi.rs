//! New Zealand national health index number (NHI).
//!
//! Three letters without I and O and three digits with a check digit modulo 11, or since 2022 two digits and a
//! letter with a check letter modulo 24 (HISO 10046).

use crate::validators::digits::{compact, shape, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    let Some(n) = compact(number, " -") else { return false };
    let value = |b: u8| if b.is_ascii_digit() { Some(u64::from(b - b'0')) } else { Some(within(b, LETTERS)? + 1) };
    let sum = n.iter().zip([7, 6, 5, 4, 3, 2]).try_fold(0, |sum, (b, w)| Some(sum + value(*b)? * w));
    let Some(sum) = sum else { return false };
    if shape(&n, "AAA9999") {
        return sum % 11 != 0 && (11 - sum % 11) % 10 == u64::from(n[6] - b'0');
    }
    shape(&n, "AAA99AA") && value(n[6]) == Some(24 - sum % 24)
}
