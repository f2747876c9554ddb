//! Romanian VAT number (CF).
//!
//! A company number or a personal number.

use crate::validators::digits::{compact, strip};

use crate::validators::ro::{cnp, cui};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "RO");
        cui::passes(n) || cnp::passes(n)
    })
}
