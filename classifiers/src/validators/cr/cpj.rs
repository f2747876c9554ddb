//! Costa Rican company number (CPJ).
//!
//! Class, kind and serial of 1, 3 and 6 digits. There is no check digit.

use crate::validators::digits::{digits, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<10>(number, " -").is_some_and(|d| {
        let kind = value(&d[1..4]);
        match d[0] {
            2 => matches!(kind, 100 | 200 | 300 | 400),
            3 => matches!(kind, 2..=14 | 101..=110),
            4 => kind == 0,
            5 => kind == 1,
            _ => false,
        }
    })
}
