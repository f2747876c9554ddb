//! British Columbia personal health number (PHN).
//!
//! Ten digits that begin with 9, with a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -")
        .is_some_and(|d| d[0] == 9 && (11 - dot(&d[1..9], &[2, 4, 8, 5, 10, 9, 7, 3]) % 11) % 11 == d[9])
}
