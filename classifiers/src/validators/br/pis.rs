//! Brazilian social integration number (PIS, PASEP, NIS).
//!
//! Ten digits and a check modulo 11.

use crate::validators::digits::{digits, dot, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " .-").is_some_and(|d| {
        let check = (11 - dot(&d, &[3, 2, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10;
        check == d[10] && !repeats(&d)
    })
}
