//! Austrian VAT number (UID).
//!
//! `U`, seven digits and a Luhn-like check digit with 4 added to the sum.

use crate::validators::digits::{compact, fixed, strip};
use crate::validators::luhn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -./").is_some_and(|n| {
        let n = strip(&n, "AT");
        n.first() == Some(&b'U')
            && fixed::<8>(&n[1..]).is_some_and(|d| (luhn::checksum(d[..7].iter().copied()) + 4 + d[7]) % 10 == 0)
    })
}
