//! Serbian tax number (PIB).
//!
//! Nine digits with a MOD 11,10 check.

use crate::validators::digits::compact;
use crate::validators::iso7064::mod_11_10;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| n.len() == 9 && mod_11_10::passes(&n))
}
