//! Dutch school number (BRIN).
//!
//! Two digits and two letters, with or without two digits of location.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| shape(&n, "99AA") || shape(&n, "99AA99"))
}
