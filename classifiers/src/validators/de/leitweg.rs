//! German e-invoicing routing identifier (Leitweg-ID).
//!
//! An authority, an optional part of its own choice and two check digits (MOD 97-10) over all characters.

use crate::validators::digits::{compact, is_digits, parse};
use crate::validators::iso7064::mod_97_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let mut parts = n.split(|b| *b == b'-');
        let (Some(coarse), Some(second), third) = (parts.next(), parts.next(), parts.next()) else { return false };
        let check = third.unwrap_or(second);
        let fine = third.is_none() || second.len() <= 30 && second.iter().all(u8::is_ascii_alphanumeric);
        is_digits(coarse)
            && (2..=12).contains(&coarse.len())
            && matches!(parse(&coarse[..2]), Some(1..=16 | 99))
            && fine
            && is_digits(check)
            && check.len() == 2
            && parts.next().is_none()
            && mod_97_10::remainder(n.iter().filter(|b| **b != b'-')) == Some(1)
    })
}
