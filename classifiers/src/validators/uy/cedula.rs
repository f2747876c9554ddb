//! Uruguayan identity card number (cédula de identidad).
//!
//! Six or seven digits and a check modulo 10.

use crate::validators::digits::{compact, dot, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        n.len() >= 7
            && unpadded::<8>(&n)
                .is_some_and(|d| value(&d) > 0 && (dot(&d, &[2, 9, 8, 7, 6, 3, 4]) + d[7]).is_multiple_of(10))
    })
}
