//! Monegasque VAT number.
//!
//! A French VAT number whose company part begins with 000.

use crate::validators::digits::{compact, strip};

use crate::validators::fr::tva;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let n = strip(&n, "FR");
        n.len() == 11 && &n[2..5] == b"000" && tva::passes(n)
    })
}
