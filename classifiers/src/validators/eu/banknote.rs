//! Euro banknote serial number.
//!
//! One letter and eleven digits, or two letters and ten; the sum with letters by their code is a multiple of 9.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let first = |letters: &[u8]| n.first().is_some_and(|b| letters.contains(b));
        // One letter is the issuing country (first series), two are the printer and a serial (Europa series).
        let shaped = shape(&n, "A99999999999") && first(b"DEFGHLMNPRSTUVXYZ")
            || shape(&n, "AA9999999999") && first(b"DEFHJMNPRSTUVWXYZ");
        // A code and its digit sum are the same modulo 9; digits are taken from their values.
        let sum: u64 = n.iter().map(|b| if b.is_ascii_digit() { u64::from(b - b'0') } else { u64::from(*b) }).sum();
        shaped && sum.is_multiple_of(9)
    })
}
