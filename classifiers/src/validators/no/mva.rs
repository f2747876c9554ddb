//! Norwegian VAT number (MVA).
//!
//! An organisation number followed by `MVA`.

use crate::validators::digits::{compact, fixed, strip};

use crate::validators::no::orgnr;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ")
        .is_some_and(|n| strip(&n, "NO").strip_suffix(b"MVA").and_then(fixed::<9>).is_some_and(|d| orgnr::passes(&d)))
}
