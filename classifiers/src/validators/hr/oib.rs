//! Croatian personal identification number (OIB).
//!
//! Eleven digits with a MOD 11,10 check.

use crate::validators::digits::{compact, strip};
use crate::validators::iso7064::mod_11_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "HR");
        n.len() == 11 && mod_11_10::passes(n)
    })
}
