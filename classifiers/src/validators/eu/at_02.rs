//! SEPA creditor identifier (AT-02).
//!
//! A country, two check digits by MOD 97-10, a business code that is not checked, and the national identifier.

use crate::validators::countries;
use crate::validators::digits::{compact, is_digits};
use crate::validators::iso7064::mod_97_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -/?:().m'+").is_some_and(|n| {
        (8..=35).contains(&n.len())
            && countries::is_country(&n[..2])
            && is_digits(&n[2..4])
            && mod_97_10::remainder(n[7..].iter().chain(&n[..4])) == Some(1)
    })
}
