//! Estonian organisation registration code.
//!
//! Eight digits that begin with 1, 7, 8 or 9, with a two-stage check modulo 11.

use crate::validators::digits::{digits, dot};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    digits::<8>(number, " ").is_some_and(|d| {
        let check = match dot(&d, &[1, 2, 3, 4, 5, 6, 7]) % 11 {
            10 => dot(&d, &[3, 4, 5, 6, 7, 8, 9]) % 11 % 10,
            check => check,
        };
        matches!(d[0], 1 | 7 | 8 | 9) && check == d[7]
    })
}
