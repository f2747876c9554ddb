//! Indian voter identity number (EPIC).
//!
//! Three letters and seven digits with a Luhn check.

use crate::validators::digits::{compact, shape};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| shape(&n, "AAA9999999") && luhn::passes(&n[3..]))
}
