//! German securities number (WKN).
//!
//! Six characters without I and O. There is no check digit.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| shape(&n, "XXXXXX") && !n.iter().any(|b| matches!(b, b'I' | b'O')))
}
