//! Ukrainian personal tax number (RNTRC).
//!
//! Days since 1899, a serial and a check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    // A weight of 10 is -1 modulo 11.
    digits::<10>(number, " ").is_some_and(|d| dot(&d, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == d[9])
}
