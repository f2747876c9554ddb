//! Belgian enterprise and VAT number.
//!
//! Eight digits, of which the first is 0 or 1 and may be left out, and 97 minus the rest modulo 97.

use crate::validators::digits::{compact, strip, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./()").is_some_and(|n| {
        let n = strip(&n, "BE");
        n.len() >= 9
            && unpadded::<10>(n)
                .is_some_and(|d| d[0] <= 1 && value(&d[..8]) > 0 && 97 - value(&d[..8]) % 97 == value(&d[8..]))
    })
}
