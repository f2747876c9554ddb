//! Greek tax and VAT number (AFM).
//!
//! Nine digits, of which a leading zero may be missing, with a check modulo 11 from powers of two.

use crate::validators::digits::{compact, dot, strip, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./:").is_some_and(|n| {
        let n = strip(strip(&n, "EL"), "GR");
        n.len() >= 8
            && unpadded::<9>(n)
                .is_some_and(|d| value(&d) > 0 && dot(&d, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == d[8])
    })
}
