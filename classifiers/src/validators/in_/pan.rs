//! Indian income tax number (PAN).
//!
//! Five letters, four digits and a letter; the fourth letter is the kind of holder. The check is not published.

use crate::validators::digits::{compact, shape};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| passes(&n))
}

/// Whether the shape and the kind of holder are right.
pub(crate) fn passes(n: &[u8]) -> bool {
    shape(n, "AAAAA9999A") && b"ABCEFGHJKLPT".contains(&n[3]) && &n[5..9] != b"0000"
}
