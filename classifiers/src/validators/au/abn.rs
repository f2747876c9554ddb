//! Australian business number (ABN).
//!
//! Two check digits and a company number, weighted modulo 89 after 1 is taken from the first digit.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| d[0] > 0 && dot(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 == 10)
}
