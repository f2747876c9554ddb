//! Korean business registration number (BRN).
//!
//! Tax office, kind, serial and a check modulo 10.

use crate::validators::digits::{digits, dot, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        let sum = dot(&d, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + d[8] * 5 / 10;
        value(&d[..3]) >= 101 && value(&d[3..5]) > 0 && value(&d[5..9]) > 0 && (sum + d[9]).is_multiple_of(10)
    })
}
