//! Global release identifier (recorded music).
//!
//! `A1`, an issuer, a release and a MOD 37,36 check character, eighteen in all.

use crate::validators::digits::{compact, strip};
use crate::validators::iso7064::mod_37_36;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -:").is_some_and(|n| {
        let n = strip(&n, "GRID");
        n.len() == 18 && mod_37_36::passes(n)
    })
}
