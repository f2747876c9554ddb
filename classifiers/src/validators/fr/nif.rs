//! French tax number (NIF).
//!
//! Thirteen digits that begin with 0 to 3; the last three are the others modulo 511.

use crate::validators::digits::{digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<13>(number, " ").is_some_and(|d| d[0] <= 3 && value(&d[..10]) % 511 == value(&d[10..]))
}
