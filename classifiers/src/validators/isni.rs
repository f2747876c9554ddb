//! International standard name identifier (ISO 27729), also ORCID iD.
//!
//! Sixteen characters with a MOD 11-2 check.

use crate::validators::digits::compact;
use crate::validators::iso7064::mod_11_2;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| n.len() == 16 && mod_11_2::passes(&n))
}
