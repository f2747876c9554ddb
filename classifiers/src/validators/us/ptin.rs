//! United States tax preparer number (PTIN).
//!
//! `P` and eight digits. There is no check digit.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| shape(&n, "P99999999"))
}
