//! Indian virtual identity number (VID).
//!
//! Sixteen digits, checked as an Aadhaar is.

use crate::validators::digits::compact;

use crate::validators::in_::aadhaar;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| n.len() == 16 && aadhaar::passes(&n))
}
