//! Dutch education number.
//!
//! Nine digits that begin with 10, whose weighted sum is 5 modulo 11.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<9>(number, " -.").is_some_and(|d| value(&d[..2]) == 10 && dot(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 10]) % 11 == 5)
}
