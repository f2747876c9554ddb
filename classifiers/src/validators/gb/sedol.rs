//! SEDOL number (London Stock Exchange).
//!
//! Six characters without vowels and a check digit; numbers that begin with a digit have digits only.

use crate::validators::digits::{base36, compact, is_digits, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        if !shape(&n, "XXXXXX9") || n.iter().any(|b| b"AEIOU".contains(b)) || n[0].is_ascii_digit() && !is_digits(&n) {
            return false;
        }
        let weighted = n.iter().zip([1, 3, 1, 7, 3, 9, 1]).map(|(b, w)| base36(*b).unwrap_or(0) * w);
        weighted.sum::<u64>() % 10 == 0
    })
}
