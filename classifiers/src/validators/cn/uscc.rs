//! Chinese unified social credit code.
//!
//! Eighteen characters without I, O, S, V and Z; the last is a check modulo 31 (GB 32100-2015).

use crate::validators::digits::{compact, is_digits, within};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    compact(number, " -").is_some_and(|n| {
        if n.len() != 18 || !is_digits(&n[2..8]) || !n[0].is_ascii_digit() {
            return false;
        }
        // Powers of 3 from the right turn the weighted sum into Horner's rule.
        let weighted = n[..17]
            .iter()
            .try_fold((0, 1), |(sum, weight), b| Some(((sum + within(*b, ALPHABET)? * weight) % 31, weight * 3 % 31)));
        weighted.is_some_and(|(sum, _)| within(n[17], ALPHABET) == Some((31 - sum) % 31))
    })
}
