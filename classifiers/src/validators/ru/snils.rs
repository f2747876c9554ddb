//! Russian pension insurance number (SNILS).
//!
//! Nine digits and their weighted sum modulo 101 as two. Numbers up to 001-001-998 were issued without a check.

use crate::validators::digits::{digits, dot, repeats, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<11>(number, " -").is_some_and(|d| {
        let check = dot(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
        value(&d[..9]) > 1_001_998 && check == value(&d[9..]) && !repeats(&d)
    })
}
