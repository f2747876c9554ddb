//! Salvadoran tax number (NIT).
//!
//! Place, date, serial and a check modulo 11 whose weights depend on the serial.

use crate::validators::digits::{compact, dot, fixed, strip, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        fixed::<14>(strip(&n, "SV")).is_some_and(|d| {
            let check = if value(&d[10..13]) <= 100 {
                dot(&d, &[14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 % 10
            } else {
                (11 - dot(&d, &[2, 7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10
            };
            matches!(d[0], 0 | 1 | 9) && check == d[13]
        })
    })
}
