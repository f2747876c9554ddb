//! Swiss social security number (AHV, AVS).
//!
//! Thirteen digits that begin with 756, checked as an EAN.

use crate::validators::digits::compact;
use crate::validators::ean;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| n.len() == 13 && n.starts_with(b"756") && ean::passes(&n))
}
