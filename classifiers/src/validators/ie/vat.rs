//! Irish VAT number.
//!
//! Seven digits and one or two letters, or the older form with a letter, `+` or `*` in second place.

use crate::validators::digits::{compact, fixed, strip, within};

use crate::validators::ie::pps;

/// Whether `number`, as written, is a well-formed number of this type with a right check.
pub fn is_valid(number: &str) -> bool {
    compact(number, " -").is_some_and(|n| {
        let n = strip(&n, "IE");
        pps::passes(n) || old(n)
    })
}

/// The older form has the last five digits checked before the first one.
fn old(n: &[u8]) -> bool {
    let (8, Some(tail)) = (n.len(), n.get(2..7).and_then(fixed::<5>)) else { return false };
    let (Some(first), true) = (within(n[0], "0123456789"), n[1].is_ascii_uppercase() || b"+*".contains(&n[1])) else {
        return false;
    };
    let [a, b, c, d, e] = tail;
    pps::check(&[0, a, b, c, d, e, first], 0) == Some(n[7])
}
