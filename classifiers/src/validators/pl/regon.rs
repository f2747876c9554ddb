//! Polish company number (REGON).
//!
//! Nine digits, or fourteen for a local unit, each with a check modulo 11.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let Some(main) = n.get(..9).and_then(fixed::<9>) else { return false };
        let local =
            fixed::<14>(&n).is_some_and(|d| dot(&d, &[2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8]) % 11 % 10 == d[13]);
        dot(&main, &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == main[8] && (n.len() == 9 || local)
    })
}
