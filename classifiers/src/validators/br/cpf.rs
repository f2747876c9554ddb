//! Brazilian personal tax number (CPF).
//!
//! Nine digits and two checks modulo 11. Numbers of one repeated digit pass the arithmetic but are never issued.

use crate::validators::digits::{digits, dot, repeats};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -.").is_some_and(|d| {
        let check = |sum: u64| (11 - sum % 11) % 11 % 10;
        !repeats(&d)
            && check(dot(&d[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == d[9]
            && check(dot(&d[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == d[10]
    })
}
