//! Structured creditor reference (ISO 11649).
//!
//! `RF`, two check digits and up to 21 characters, checked as an IBAN is.

use crate::validators::digits::{compact, is_digits};
use crate::validators::iso7064::mod_97_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.,/:").is_some_and(|n| {
        (5..=25).contains(&n.len())
            && n.starts_with(b"RF")
            && is_digits(&n[2..4])
            && mod_97_10::remainder(n[4..].iter().chain(&n[..4])) == Some(1)
    })
}
