//! Azerbaijani tax number (VÖEN).
//!
//! Two digits of region (a leading zero may be missing), six of serial, a check modulo 11 and the kind of person (1
//! legal, 2 natural).

use crate::validators::digits::{compact, dot, unpadded};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " ")
        .filter(|n| n.len() >= 9)
        .and_then(|n| unpadded::<10>(&n))
        .is_some_and(|d| dot(&d, &[4, 1, 8, 6, 2, 7, 5, 3]) % 11 == d[8] && matches!(d[9], 1 | 2))
}
