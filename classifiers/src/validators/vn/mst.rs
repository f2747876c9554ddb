//! Vietnamese tax number (MST).
//!
//! Nine digits and a check modulo 11, with or without a branch of three digits.

use crate::validators::digits::{compact, dot, fixed, parse, value};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let Some(d) = n.get(..10).and_then(fixed::<10>) else { return false };
        let branch = match &n[10..] {
            [] => true,
            tail => tail.len() == 3 && parse(tail).is_some_and(|v| v > 0),
        };
        branch && value(&d[2..9]) > 0 && 10 - dot(&d, &[31, 29, 23, 19, 17, 13, 7, 5, 3]) % 11 == d[9]
    })
}
