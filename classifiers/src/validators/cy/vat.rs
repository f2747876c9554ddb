//! Cypriot VAT number.
//!
//! Eight digits, every second one replaced by a table value, and a check letter modulo 26.

use crate::validators::digits::{compact, fixed, strip, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    const ODD: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    compact(number, " -").is_some_and(|n| {
        let Some((last, body)) = strip(&n, "CY").split_last() else { return false };
        fixed::<8>(body).is_some_and(|d| {
            let sum: u64 = d.iter().enumerate().map(|(i, v)| if i % 2 == 0 { ODD[*v as usize] } else { *v }).sum();
            value(&d[..2]) != 12 && u64::from(*last) == u64::from(b'A') + sum % 26
        })
    })
}
