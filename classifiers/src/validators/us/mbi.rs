//! United States Medicare beneficiary identifier (MBI).
//!
//! Eleven characters in fixed places for digits and letters; S, L, O, I, B and Z are not used. There is no check
//! digit.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -")
        .is_some_and(|n| shape(&n, "9AX9AX9AA99") && n[0] != b'0' && !n.iter().any(|b| b"SLOIBZ".contains(b)))
}
