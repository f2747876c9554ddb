//! New Zealand Inland Revenue number (IRD).
//!
//! Eight or nine digits in the issued range, with a check modulo 11 that has a second set of weights.

use crate::validators::digits::{compact, dot, strip, unpadded, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "NZ");
        n.len() >= 8
            && unpadded::<9>(n).is_some_and(|d| {
                let check = |weights: &[u64]| (11 - dot(&d, weights) % 11) % 11;
                let last = match check(&[3, 2, 7, 6, 5, 4, 3, 2]) {
                    10 => check(&[7, 4, 3, 2, 5, 2, 7, 6]),
                    first => first,
                };
                (10_000_000..150_000_000).contains(&value(&d)) && last == d[8]
            })
    })
}
