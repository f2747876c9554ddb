//! United States DEA registration number.
//!
//! Two letters (or a letter and 9) and seven digits, of which the last is a check modulo 10.

use crate::validators::digits::{compact, dot, fixed};

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let (9, Some(d)) = (n.len(), n.get(2..).and_then(fixed::<7>)) else { return false };
        b"ABCDEFGHJKLMPRSTUX".contains(&n[0])
            && (n[1].is_ascii_uppercase() || n[1] == b'9')
            && dot(&d, &[1, 2, 1, 2, 1, 2]) % 10 == d[6]
    })
}
