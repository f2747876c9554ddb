//! Dutch VAT number (btw-identificatienummer).
//!
//! A citizen service number or, since 2020, a number that passes MOD 97-10 as a whole, then `B` and two digits.

use crate::validators::digits::{compact, is_digits, parse, strip};
use crate::validators::iso7064::mod_97_10;

use crate::validators::nl::bsn;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -.").is_some_and(|n| {
        let n = strip(&n, "NL");
        let Some((body, end)) = n.len().checked_sub(3).and_then(|at| n.split_at_checked(at)) else { return false };
        let whole = || mod_97_10::remainder(b"NL".iter().chain(n)) == Some(1);
        end[0] == b'B'
            && parse(&end[1..]).is_some_and(|v| v > 0)
            && is_digits(body)
            && body.len() <= 9
            && (bsn::passes(body) || body.len() == 9 && whole())
    })
}
