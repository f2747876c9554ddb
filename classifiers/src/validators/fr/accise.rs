//! French excise number.
//!
//! `FR0`, the year, the customs office, a letter for the kind of operator and a serial. There is no check digit.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| shape(&n, "FR099999A9999") && b"ENCB".contains(&n[8]))
}
