//! Russian tax number (INN).
//!
//! Ten digits for a company with one check, twelve for a person with two, modulo 11.

use crate::validators::digits::{compact, dot, fixed, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ").is_some_and(|n| {
        let check = |sum: u64| sum % 11 % 10;
        fixed::<10>(&n).is_some_and(|d| value(&d) > 0 && check(dot(&d, &[2, 4, 10, 3, 5, 9, 4, 6, 8])) == d[9])
            || fixed::<12>(&n).is_some_and(|d| {
                value(&d) > 0
                    && check(dot(&d, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8])) == d[10]
                    && check(dot(&d, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8])) == d[11]
            })
    })
}
