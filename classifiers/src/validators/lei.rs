//! Legal entity identifier (ISO 17442).
//!
//! Eighteen characters and two check digits by MOD 97-10.

use crate::validators::digits::{compact, is_digits};
use crate::validators::iso7064::mod_97_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -")
        .is_some_and(|n| n.len() == 20 && is_digits(&n[18..]) && mod_97_10::remainder(n.iter()) == Some(1))
}
